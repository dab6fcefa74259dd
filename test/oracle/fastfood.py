"""Intrinsic dimension: θ = θ0 + λ·P(v) for each tensor of the backbone, P = Fastfood. Formula and layout: README.md."""

import torch
from torch.nn import functional as F

from backbone import names


def power_of_two(size):
    return 1 << (size - 1).bit_length()


def parts(model, generator):
    """The random parts of each tensor's projection: signs b, permutation, gaussian g, each [L]."""
    drawn = {}
    for name in names(model):
        length = power_of_two(model.get_parameter(name).numel())
        drawn[f"{name}/b"] = torch.randint(0, 2, (length,), generator=generator).float() * 2 - 1
        drawn[f"{name}/permutation"] = torch.randperm(length, generator=generator).int()
        drawn[f"{name}/g"] = torch.randn(length, generator=generator)
    return drawn


def hadamard(x):
    """The unnormalised Walsh–Hadamard transform, H[i, j] = (−1)^popcount(i & j). x [L] → [L]"""
    span = 1
    while span < len(x):
        a, b = x.view(-1, 2, span).unbind(1)
        x = torch.stack([a + b, a - b], dim=1).reshape(-1)
        span *= 2
    return x


def project(v, size, b, permutation, g):
    """P(v) [size]; |P(v)| = |v| on average where v is not cut."""
    padded = F.pad(v, (0, len(b) - len(v))) if len(v) < len(b) else v[: len(b)]
    mixed = hadamard(hadamard(padded * b)[permutation.long()] * g)
    return mixed[:size] / (size * g.square().sum()).sqrt()


def project_by_matrix(v, size, b, permutation, g):
    """The same with H and Π written out, in the input's dtype."""
    length, index = len(b), torch.arange(len(b))
    common = index[:, None] & index[None, :]
    parity = sum((common >> bit) & 1 for bit in range(int(length).bit_length())) % 2
    h = (1 - 2 * parity).to(v.dtype)
    pi = torch.eye(length, dtype=v.dtype)[permutation.long()]
    padded = torch.zeros(length, dtype=v.dtype)
    kept = min(length, len(v))
    padded[:kept] = v[:kept]
    return (h @ torch.diag(g) @ pi @ h @ torch.diag(b) @ padded)[:size] / (size * g.square().sum()).sqrt()


def tensors(options, model, generator):
    m, dimension = len(names(model)), options["dimension"]
    if not options["said"]:
        return {"intrinsic": 0.1 * torch.randn(dimension, generator=generator)}
    return {
        "intrinsic": 0.1 * torch.randn(dimension - m, generator=generator),
        "lambda": 1 + 0.3 * torch.randn(m, generator=generator),
    }


def moved_weights(frozen, trained, drawn):
    """{name: θ}; λ's entry j belongs to the j-th name in sorted order."""
    moved = {}
    for j, name in enumerate(sorted(frozen)):
        b, permutation, g = (drawn[f"{name}/{part}"] for part in ("b", "permutation", "g"))
        change = project(trained["intrinsic"], frozen[name].numel(), b, permutation, g)
        scale = trained["lambda"][j] if "lambda" in trained else 1.0
        moved[name] = frozen[name] + scale * change.view(frozen[name].shape)
    return moved
