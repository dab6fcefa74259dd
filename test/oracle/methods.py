"""The methods of src/measure/torch_methods.py, and those that only the oracle has: random subspaces and peft's."""

import torch

import fastfood
import peft_methods
from backbone import torch_methods
from torch_methods import ADAPTERS, attach, block_name, fixed_names, project, rule_of, tensors, with_prompt

__all__ = ["ADAPTERS", "attach", "fixed_names", "project", "tensors", "weight_by_kron", "with_prompt"]

torch_methods.TENSORS["intrinsic"] = fastfood.tensors
for kind in peft_methods.KINDS:
    torch_methods.TENSORS[kind] = peft_methods.tensors
    torch_methods.HOOKS[kind] = peft_methods.attach


def weight_by_kron(options, trained, name):
    """W [in, out] exactly as the paper writes it: Σᵢ Aᵢ ⊗ Bᵢ, Bᵢ = sᵢ tᵢ."""
    if options["kind"] == "adapter":
        low_rank = options.get("factors") == "low_rank"
        return trained[f"{name}.s"] @ trained[f"{name}.t"] if low_rank else trained[f"{name}.weight"]
    block, factored = block_name(options, name), options["factors"] == "low_rank"
    blocks = trained[f"{block}.s"] @ trained[f"{block}.t"] if factored else trained[f"{block}.b"]
    return sum(torch.kron(a, b) for a, b in zip(rule_of(options, trained, name), blocks))
