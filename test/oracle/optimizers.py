"""Steps of PyTorch's and transformers' optimisers on tensors of several shapes → test/fixtures/optimizers.safetensors."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Adafactor

SHAPES = {"vector": [7], "one": [1], "matrix": [5, 3], "stack": [2, 4, 3], "column": [2, 4, 1], "row": [1, 6]}
STEPS, CLIP = 6, 1.0
RATES = [0.0, 5e-3, 1e-2, 8e-3, 4e-3, 1e-3]

adafactor = dict(relative_step=False, scale_parameter=False, warmup_init=False)
CASES = {
    "adam": lambda leaves: torch.optim.Adam(leaves, lr=1.0, foreach=False),
    "adamw": lambda leaves: torch.optim.AdamW(leaves, lr=1.0, weight_decay=0.3, foreach=False),
    "adamw-0": lambda leaves: torch.optim.AdamW(leaves, lr=1.0, weight_decay=0.0, foreach=False),
    "adafactor": lambda leaves: Adafactor(leaves, lr=1.0, **adafactor),
    "adafactor-decay": lambda leaves: Adafactor(leaves, lr=1.0, weight_decay=0.3, **adafactor),
}


def gradients(generator):
    """Some large enough to be clipped, some not; one tensor has none at one step, and one is small throughout."""
    for k in range(STEPS):
        scale = 3.0 if k % 2 else 0.05
        made = {name: scale * torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
        made["row"] *= 1e-6
        if k == 2:
            made["matrix"].zero_()
        yield made


def main():
    generator = torch.Generator().manual_seed(5)
    start = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    steps = list(gradients(generator))
    tensors = {f"start/{name}": value for name, value in start.items()}
    for k, made in enumerate(steps):
        tensors |= {f"gradient/{k}/{name}": value for name, value in made.items()}
    for case, make in CASES.items():
        leaves = {name: value.clone().requires_grad_() for name, value in start.items()}
        optimizer = make(list(leaves.values()))
        for k, made in enumerate(steps):
            for name, leaf in leaves.items():
                leaf.grad = made[name].clone()
            torch.nn.utils.clip_grad_norm_(list(leaves.values()), CLIP)
            optimizer.param_groups[0]["lr"] = RATES[k]
            optimizer.step()
            tensors |= {f"{case}/{k}/{name}": leaf.detach().clone() for name, leaf in leaves.items()}
    metadata = {"shapes": SHAPES, "rates": RATES, "clip": CLIP, "cases": list(CASES)}
    folder = Path(__file__).parents[1] / "fixtures"
    save_file(tensors, folder / "optimizers.safetensors", {"case": json.dumps(metadata)})


main()
