"""Logits of exported encoders in PyTorch: transformers' own models with a head, and the libraries that hold adapters.

    python test/oracle/export_encoder_logits.py < INPUT.json > logits.json

INPUT.json has `input_ids` and `token_type_ids` [rows, length], padded with 0, and `exports`, a list of
{format, out, head, backbone}. Prints a flat list of logits for each; of a choice each two rows are one question.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForMultipleChoice, AutoModelForSequenceClassification, AutoModelForTokenClassification

CLASSES = {
    "labels": AutoModelForSequenceClassification,
    "number": AutoModelForSequenceClassification,
    "choice": AutoModelForMultipleChoice,
    "tags": AutoModelForTokenClassification,
}


def whole(out, head, backbone):
    model, loading = CLASSES[head].from_pretrained(out, output_loading_info=True)
    left = {key: value for key, value in loading.items() if value}
    assert not left, left
    assert model.dtype == torch.float32
    assert type(model).__name__ in model.config.architectures
    return model


def with_peft(out, head, backbone):
    """The library itself; the head is made at random and comes from the folder."""
    from peft import PeftModel

    torch.manual_seed(1)
    model = CLASSES[head].from_pretrained(backbone, dtype=torch.float32, **LABELS[head])
    return PeftModel.from_pretrained(model, out)


def with_adapters(out, head, backbone):
    """The library itself, which needs a Python of its own; the lines are those of the README."""
    import adapters
    from safetensors.torch import load_file

    model = CLASSES[head].from_pretrained(backbone, dtype=torch.float32, **LABELS[head])
    adapters.init(model)
    name = model.load_adapter(out, use_safetensors=True)
    model.set_active_adapters(name)
    beside = Path(out) / "layer_norms.safetensors"
    if beside.exists():
        _, unexpected = model.load_state_dict(load_file(beside), strict=False)
        assert not unexpected, unexpected
    return model


LABELS = {"labels": {"num_labels": 3}, "number": {"num_labels": 1}, "choice": {}, "tags": {"num_labels": 3}}
READERS = {"huggingface": whole, "peft": with_peft, "adapterhub": with_adapters}


def logits_of(model, head, input_ids, token_type_ids):
    batch = {"input_ids": input_ids, "attention_mask": (input_ids != 0).long()}
    if getattr(model.config, "type_vocab_size", 0) > 1:
        batch["token_type_ids"] = token_type_ids
    if head == "choice":
        batch = {key: value.unflatten(0, (-1, 2)) for key, value in batch.items()}
    model.eval()
    with torch.no_grad():
        return model(**batch).logits.flatten().tolist()


def main():
    given = json.load(sys.stdin)
    ids, types = torch.tensor(given["input_ids"]), torch.tensor(given["token_type_ids"])
    logits = []
    for one in given["exports"]:
        model = READERS[one["format"]](one["out"], one["head"], one.get("backbone"))
        logits.append(logits_of(model, one["head"], ids, types))
    json.dump(logits, sys.stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
