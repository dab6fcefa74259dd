"""A T5 or an encoder of transformers with a method's tensors in it, for trainer.py and predictor.py."""

import pathlib
import resource
import sys

import torch
import transformers
from safetensors.torch import load_file

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "src" / "measure"))
import torch_encoders  # noqa: E402
import torch_methods  # noqa: E402


def load(folder, method, tensors, labels=()):
    """Loads the backbone in `folder` and puts the tensors of a file of ours into it → model, [parameter] that is trained.

    An encoder gets its head for these labels.

    The hooks are those of src/measure/torch_methods.py; hypercomplex products build their weight, as the authors' code does.
    """
    if is_encoder(folder):
        kind, head = transformers.AutoModelForSequenceClassification, {"num_labels": len(labels)}
    else:
        kind, head = transformers.T5ForConditionalGeneration, {}
    model = kind.from_pretrained(folder, dtype=torch.float32, **head)
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


def is_encoder(folder):
    return transformers.AutoConfig.from_pretrained(folder).model_type in torch_encoders.LAYOUTS


def read_tokenizer(folder):
    if is_encoder(folder):
        return transformers.AutoTokenizer.from_pretrained(folder)
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
