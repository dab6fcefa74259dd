"""The forward pass, the loss, ten optimiser steps and greedy decoding of any method on transformers' T5."""

from collections import ChainMap

import torch
from torch.func import functional_call
from torch.nn import functional as F

import fastfood
import methods
import peft_methods

STEPS, WARMUP = 10, 4


class Model:
    """A backbone with a method on it. `trained` {name: leaf tensor} is all that a gradient reaches; `fixed` stays."""

    def __init__(self, options, backbone, initial, parts=None, fixed=None):
        dtype = next(backbone.parameters()).dtype
        self.options, self.backbone = options, backbone
        self.trained = {name: value.detach().clone().to(dtype).requires_grad_() for name, value in initial.items()}
        self.parts = {k: v.to(dtype) if v.is_floating_point() else v for k, v in (parts or {}).items()}
        self.fixed = {name: value.detach().clone().to(dtype) for name, value in (fixed or {}).items()}
        methods.attach(options, backbone, ChainMap(self.trained, self.fixed))

    def weights(self):
        """The backbone tensors that this method replaces."""
        own = dict(self.backbone.named_parameters())
        if self.options["kind"] == "intrinsic":
            return fastfood.moved_weights(own, self.trained, self.parts)
        by_peft = peft_methods.renamed(self.backbone)
        return {by_peft.get(name, name): value for name, value in self.trained.items() if by_peft.get(name, name) in own}

    def logits(self, input_ids, decoder_input_ids, mask=None):
        """input_ids and mask [batch, source], decoder_input_ids [batch, target] → [batch, target, vocabulary]"""
        mask = (input_ids != 0).long() if mask is None else mask
        weights = self.weights()
        embedded = F.embedding(input_ids, weights.get("shared.weight", self.backbone.shared.weight))
        embedded, mask = methods.with_prompt(self.trained, embedded, mask)
        call = dict(
            inputs_embeds=embedded, attention_mask=mask, decoder_input_ids=decoder_input_ids, use_cache=False
        )
        return functional_call(self.backbone, weights, (), call).logits


def shift_right(labels):
    return F.pad(labels[:, :-1], (1, 0))


def cross_entropy(logits, labels):
    """Mean over the target tokens that are not padding (0); </s> counts."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)


def step(model, batch):
    """→ logits, loss, {name: gradient}"""
    logits = model.logits(batch["input_ids"].long(), shift_right(batch["labels"].long()))
    loss = cross_entropy(logits, batch["labels"].long())
    gradients = torch.autograd.grad(loss, list(model.trained.values())) if model.trained else []
    return logits.detach(), loss.detach(), dict(zip(model.trained, gradients))


def rate(k, learning_rate):
    return learning_rate * (k / WARMUP if k < WARMUP else (STEPS - k) / (STEPS - WARMUP))


def train(model, batch, learning_rate):
    """Ten steps on one batch → losses [10], norms [10], {name: value after}; trains `model` in place."""
    leaves = list(model.trained.values())
    ratio = model.options.get("loraplus_lr_ratio", 1)
    of_b = [leaf for name, leaf in model.trained.items() if name.endswith(".lora_b")]
    others = [leaf for name, leaf in model.trained.items() if not name.endswith(".lora_b")]
    groups = [{"params": group, "ratio": r} for group, r in ((others, 1), (of_b, ratio)) if group]
    adam = torch.optim.Adam(groups, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    losses, norms = [], []
    for k in range(STEPS):
        _, loss, gradients = step(model, batch)
        for name, leaf in model.trained.items():
            leaf.grad = gradients[name].clone()
        norms.append(torch.nn.utils.clip_grad_norm_(leaves, 1.0))
        losses.append(loss)
        for group in adam.param_groups:
            group["lr"] = group["ratio"] * rate(k, learning_rate)
        adam.step()
    return torch.stack(losses), torch.stack(norms), {k: v.detach().clone() for k, v in model.trained.items()}


@torch.no_grad()
def greedy(model, input_ids, length):
    """→ ids [batch, length] without the start token, 0 after </s>; and the smallest gap between best and second."""
    ids = input_ids.new_zeros(len(input_ids), 1).long()
    gap = float("inf")
    for _ in range(length):
        top = model.logits(input_ids.long(), ids)[:, -1].topk(2)
        ended = (ids == 1).any(dim=1)
        gap = min(gap, (top.values[:, 0] - top.values[:, 1])[~ended].min().item() if (~ended).any() else gap)
        ids = torch.cat([ids, top.indices[:, :1].masked_fill(ended[:, None], 0)], dim=1)
    return ids[:, 1:], gap
