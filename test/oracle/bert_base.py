"""bert-base's true dimensions with weights that any language can generate: python test/oracle/bert_base.py"""

import json
import re

import torch
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, BertConfig

import encoders
import methods
import torch_encoders
from backbone import FIXTURES
from cases import compacter
from generate import relative
from generated import FIRST_NEW, generated

OPTIONS = compacter(n=4, rank=1, reduction_factor=32)
LABELS, LENGTHS = 3, [12, 8, 11]
ROOT = 12**0.5  # a uniform value has standard deviation 1/√12
PRODUCT = (0.0, 1.2 * ROOT * 768**-0.5)
# (centre, scale) of a matrix or a norm of the backbone, by the first kind that its name has.
SPREADS = {
    "LayerNorm": (1.0, 0.2),
    "embeddings": (0.0, 0.7 * ROOT),
    "attention.output.dense": PRODUCT,
    "output.dense": (0.0, 1.2 * ROOT * 3072**-0.5),
    **dict.fromkeys(("dense", "query", "key", "value"), PRODUCT),
}
NEW = (0.0, 0.5)  # of a bias too


def kind_of(name):
    """None for a bias."""
    return next((kind for kind in SPREADS if re.search(rf"[._]{re.escape(kind)}\.weight$", name)), None)


def base(dtype):
    config = BertConfig(num_labels=LABELS)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for t, name in enumerate(torch_encoders.names(model)):
            weight = model.get_parameter(name)
            weight.copy_(generated(t, weight.shape, *SPREADS.get(kind_of(name), NEW)))
    return model.to(dtype).eval().requires_grad_(False)


def start(model):
    """{name: value} of what is trained: Compacter's own tensors and the head's are generated, norms stay as they are."""
    drawn = methods.tensors(OPTIONS, model, torch.Generator().manual_seed(0))
    new = {name: value.shape for name, value in drawn.items() if not torch_encoders.NORM.search(name)}
    new |= {name: model.get_parameter(name).shape for name in torch_encoders.head_names(model)}
    return drawn | {name: generated(FIRST_NEW + k, new[name], *NEW) for k, name in enumerate(sorted(new))}


def batch_of(config):
    """Pairs `CLS a SEP b SEP`, padded."""
    generator = torch.Generator().manual_seed(3)
    ids = torch.full((len(LENGTHS), max(LENGTHS)), config.pad_token_id, dtype=torch.int32)
    mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, length in enumerate(LENGTHS):
        second = 2 + length // 3
        ids[row, :length] = torch.randint(1000, config.vocab_size, (length,), generator=generator, dtype=torch.int32)
        mask[row, :length], types[row, second:length] = 1, 1
    labels = torch.tensor([2, 0, 1], dtype=torch.int32)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}, {"sequence": labels}


def main():
    torch.set_num_threads(1)
    initial = start(base(torch.float32))
    batch, labels = batch_of(BertConfig())
    made = [encoders.Model(OPTIONS, base(dtype), initial) for dtype in (torch.float32, torch.float64)]
    bare = made[0].model
    first = {kind: next(name for name in torch_encoders.names(bare) if kind_of(name) == kind) for kind in SPREADS}
    values = {name: [bare.get_parameter(name).reshape(-1)[k].item() for k in (0, 1, -1)] for name in first.values()}
    (logits, loss, gradients), (exact_logits, _, exact) = (model.step(batch, labels, "sequence") for model in made)
    worst = max(relative(gradients[name], exact[name]) for name in initial)
    assert relative(logits, exact_logits) < 2e-5 and worst < 5e-5, (relative(logits, exact_logits), worst)
    case = {
        "method": OPTIONS,
        "labels": LABELS,
        "centre_and_scale": SPREADS | {"new tensors": NEW},
        "first_second_last": values,
        "float64_deviation": {"logits": relative(logits, exact_logits), "gradient": worst},
    }
    saved = {**batch, "labels": labels["sequence"], "logits": logits, "loss": loss}
    saved |= {f"gradient/{name}": value for name, value in gradients.items()}
    path = FIXTURES / "bert-base" / "compacter.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in saved.items()}, path, {"case": json.dumps(case)})
    path.chmod(0o644)
    trained = sum(value.numel() for value in initial.values())
    print(f"bert-base/compacter: {path.stat().st_size} bytes, {trained} trained, loss {loss:.4f}", case["float64_deviation"])
    print("logits", logits.tolist())


if __name__ == "__main__":
    main()
