"""A T5 of transformers with a method's tensors in it, for trainer.py and predictor.py."""

import pathlib
import resource
import sys

import torch
import transformers
from safetensors.torch import load_file

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "src" / "measure"))
import torch_methods  # noqa: E402


def load(folder, method, tensors):
    """Loads the backbone in `folder` and puts the tensors of a file of ours into it → model, [parameter] that is trained.

    The hooks are those of src/measure/torch_methods.py; hypercomplex products build their weight, as the authors' code does.
    """
    model = transformers.T5ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    model.requires_grad_(False)
    of_backbone = dict(model.named_parameters())
    added, trained = {}, []
    for name, value in load_file(tensors).items():
        if name in of_backbone:
            of_backbone[name].data.copy_(value)
            trained.append(of_backbone[name])
        else:
            added[name] = torch.nn.Parameter(value)
            model.register_parameter(name.replace(".", "-"), added[name])  # so that a trainer finds it
            trained.append(added[name])
    for parameter in trained:
        parameter.requires_grad_(True)
    torch_methods.attach(method, model, added, torch_methods.project_by_weight)
    return model, trained


def read_tokenizer(folder):
    return transformers.PreTrainedTokenizerFast(
        tokenizer_file=f"{folder}/tokenizer.json", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )


def encode(tokenizer, texts, max_length):
    """→ lists of ids, `</s>` last, cut to `max_length`."""
    eos = tokenizer.eos_token_id
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [ids[: max_length - 1] + [eos] for ids in encoded]


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
