"""Loss and gradients with PyTorch's label smoothing: python test/oracle/label_smoothing.py

Writes test/fixtures/t5-tiny/loss/label-smoothing.safetensors: backbone, trained tensors and batch are those of the case
compacter-n3-rank2, whose metadata has the method. `large` is a loss on logits of t5-small's vocabulary, made as told below.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional as F

import backbone
import training

CASE, SMOOTHING = "compacter-n3-rank2", 0.1
ROWS, VOCABULARY = 12, 32128
FOLDER = Path(__file__).parents[1] / "fixtures/t5-tiny"


def smoothed(logits, labels):
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=0, label_smoothing=SMOOTHING)


def large():
    """Logit i is sin(i)·8 in float32; the label of row k is (k·7919) mod the vocabulary, of every fourth row 0: padding."""
    logits = (torch.arange(ROWS * VOCABULARY, dtype=torch.float64).sin() * 8).float().reshape(ROWS, VOCABULARY)
    labels = torch.tensor([0 if k % 4 == 3 else (k + 1) * 7919 % VOCABULARY for k in range(ROWS)])
    return smoothed(logits.double(), labels).float()


def main():
    with safe_open(FOLDER / f"{CASE}.safetensors", "pt") as file:
        options = json.loads(file.metadata()["case"])["method"]
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    starts = {name.removeprefix("trained/"): t for name, t in tensors.items() if name.startswith("trained/")}
    model = training.Model(options, backbone.load("t5-tiny"), starts)
    labels = tensors["labels"].long()
    loss = smoothed(model.logits(tensors["input_ids"].long(), training.shift_right(labels)), labels)
    gradients = torch.autograd.grad(loss, list(model.trained.values()))
    made = {f"gradient/{name}": value.contiguous() for name, value in zip(model.trained, gradients)}
    made |= {"loss": loss.detach(), "large": large()}
    metadata = {"case": json.dumps({"smoothing": SMOOTHING, "rows": ROWS, "vocabulary": VOCABULARY})}
    save_file(made, FOLDER / "loss" / "label-smoothing.safetensors", metadata)


main()
