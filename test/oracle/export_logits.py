"""Logits of an exported folder in PyTorch: transformers' own T5, and for adapters a loader that is written here.

    python test/oracle/export_logits.py SOURCE_IDS TARGET_IDS BACKBONE FORMAT FOLDER [BACKBONE FORMAT FOLDER …] > logits.json

SOURCE_IDS and TARGET_IDS are JSON, [rows, length], padded with 0. Prints a flat list of logits for each folder. The
adapters' structure is rebuilt from the files alone: their config, names and shapes, as the two libraries document them
(adapters 1.2: PHMLayer, Adapter; OpenDelta 0.3.2: PHMLinear, AdapterLayer, LowRankLinear, SoftPromptLayer).
"""

import contextlib
import json
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForSeq2SeqLM
from transformers.activations import get_activation


def kronecker_weight(rule, blocks):
    """Σ Aᵢ ⊗ Bᵢ, as the paper writes it. [n, n, n], [n, p, q] → [n·p, n·q]"""
    return sum(torch.kron(a, b) for a, b in zip(rule, blocks))


def after(module, change):
    """Puts `change` behind a module's first output."""

    def hook(_module, _inputs, output):
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    module.register_forward_hook(hook)


class Tensors:
    """A state dict that knows which of its tensors were used."""

    def __init__(self, tensors):
        self.tensors, self.used = tensors, set()

    def __call__(self, name):
        self.used.add(name)
        return self.tensors[name]

    def has(self, name):
        return name in self.tensors

    def check(self):
        assert self.used == set(self.tensors), sorted(set(self.tensors) ^ self.used)


def activation_of(name):
    """Both libraries know one by a name of their own, and ask transformers for the others."""
    return nn.functional.leaky_relu if name == "leakyrelu" else get_activation(name)


def sequential(layer, module, adapter):
    """Adds to what the sublayer gives, before dropout and the residual sum."""
    after(getattr(layer, module), lambda s: s + adapter(s))


def parallel(layer, _module, adapter):
    """Adds to what the whole T5Layer… gives, as `adapters` does: its input is the residual stream, without a norm."""

    def hook(_layer, args, output):
        y = adapter(args[0])
        return (output[0] + y, *output[1:]) if isinstance(output, tuple) else output + y

    layer.register_forward_hook(hook)


# --- adapters -------------------------------------------------------------------------------------------------------


def adapterhub(folder, model):
    config = json.loads((folder / "adapter_config.json").read_text())
    name, options = config["name"], config["config"]
    assert config["version"].startswith("adapters.") and "." not in name
    assert not options["original_ln_before"] and options["original_ln_after"] and options["residual_before_ln"] is True
    assert isinstance(options["scaling"], float)  # the library refuses the integer 1
    tensors = Tensors(load_file(folder / "adapter.safetensors"))
    activation = activation_of(options["non_linearity"])
    shared = f"transformer.shared_parameters.{name}."

    def phm(prefix, position):
        own = "" if options["shared_phm_rule"] else f"{prefix}."
        rule = (own or shared) + "phm_rule"
        a = (
            torch.bmm(tensors(f"{rule}_left"), tensors(f"{rule}_right"))
            if options["factorized_phm_rule"]
            else tensors(rule)
        )
        block = f"{shared}W_{position}" if options["shared_W_phm"] else f"{prefix}.W"
        b = (
            torch.bmm(tensors(f"{block}_left"), tensors(f"{block}_right"))
            if options["factorized_phm_W"]
            else tensors(block)
        )
        w, bias = kronecker_weight(a, b), tensors(f"{prefix}.b")
        return lambda x: x @ w + bias

    def dense(prefix):
        return lambda x: nn.functional.linear(x, tensors(f"{prefix}.weight"), tensors(f"{prefix}.bias"))

    def norm(prefix):
        return lambda x: nn.functional.layer_norm(
            x, x.shape[-1:], tensors(f"{prefix}.weight"), tensors(f"{prefix}.bias")
        )

    def adapter(prefix):
        first = 1 if options["ln_before"] else 0
        if options["phm_layer"]:
            down, up = phm(f"{prefix}.adapter_down.{first}", "down"), phm(f"{prefix}.adapter_up", "up")
        else:
            down, up = dense(f"{prefix}.adapter_down.{first}"), dense(f"{prefix}.adapter_up")
        before = norm(f"{prefix}.adapter_norm_before") if options["ln_before"] else lambda x: x
        behind = norm(f"{prefix}.adapter_norm_after") if options["ln_after"] else lambda x: x
        if options["ln_before"]:  # the sequence holds the same norm again
            for part in ("weight", "bias"):
                assert torch.equal(tensors(f"{prefix}.adapter_down.0.{part}"), tensors(f"{prefix}.adapter_norm_before.{part}"))
        return lambda x: behind(options["scaling"] * up(activation(down(before(x)))))

    number = 0
    for stack in ("encoder", "decoder"):
        for i, block in enumerate(getattr(model, stack).block):
            places = [(0, "SelfAttention", "mh_adapter"), (len(block.layer) - 1, "DenseReluDense", "output_adapter")]
            if stack == "decoder":
                places.append((1, "EncDecAttention", "cross_adapter"))
            for j, module, key in places:
                if options[key] and number not in options["leave_out"]:
                    prefix = f"transformer.{stack}.block.{i}.layer.{j}.adapters.{name}"
                    (parallel if options["is_parallel"] else sequential)(block.layer[j], module, adapter(prefix))
            number += 1
    beside = folder / "layer_norms.safetensors"
    if beside.exists():
        load_backbone(model, load_file(beside))
    return tensors


# --- OpenDelta ------------------------------------------------------------------------------------------------------


def opendelta(folder, model):
    config = json.loads((folder / "config.json").read_text())
    tensors = Tensors(torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True))
    kind = config["delta_type"]
    if kind == "soft_prompt":
        soft_prompt(tensors("encoder.soft_prompt_layer.soft_embeds"), config["soft_token_num"], model)
        return tensors
    activation = activation_of(config["non_linearity"])
    delta = {"compacter": "compactor", "adapter": "adapter", "low_rank_adapter": "low_rank_adapter"}[kind]

    def phm(prefix):
        a = (
            torch.bmm(tensors(f"{prefix}.phm_rule_left"), tensors(f"{prefix}.phm_rule_right"))
            if config["factorized_phm_rule"]
            else tensors(f"{prefix}.phm_rule")
        )
        b = (
            torch.bmm(tensors(f"{prefix}.W_left"), tensors(f"{prefix}.W_right"))
            if config["factorized_phm"]
            else tensors(f"{prefix}.W")
        )
        w, bias = kronecker_weight(a, b), tensors(f"{prefix}.b")
        return lambda x: x @ w + bias

    def low_rank(prefix):
        w = tensors(f"{prefix}.W_left") * tensors(f"{prefix}.W_right")  # elementwise, as the library has it
        return lambda x: x @ w + tensors(f"{prefix}.b")

    def dense(prefix):
        return lambda x: nn.functional.linear(x, tensors(f"{prefix}.weight"), tensors(f"{prefix}.bias"))

    def adapter(prefix):
        if kind == "adapter":
            down, up = dense(f"{prefix}.modulelist.down_proj"), dense(f"{prefix}.modulelist.up_proj")
        else:
            make = phm if kind == "compacter" else low_rank
            down, up = make(f"{prefix}.down_sampler"), make(f"{prefix}.up_sampler")
        return lambda x: x + up(activation(down(x)))

    matched = [
        (name, module)
        for name, module in model.named_modules()
        if any(name == key or name.endswith(f".{key}") for key in config["modified_modules"])
    ]
    for name, module in matched:
        after(module, adapter(f"{name}.{delta}"))
    backbone = {name: value for name, value in tensors.tensors.items() if name in model.state_dict()}
    load_backbone(model, backbone)
    tensors.used |= set(backbone)
    return tensors


def load_backbone(model, tensors):
    """The backbone's own trained tensors; a head that was trained without the unused rows cuts them first, as the READMEs say."""
    for name in ("shared.weight", "lm_head.weight"):
        if name in tensors and len(tensors[name]) < model.config.vocab_size:
            model.resize_token_embeddings(len(tensors[name]))
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected, unexpected


def soft_prompt(embeds, count, model):
    """The prompt in front of what the encoder reads; the mask grows in place, so that the decoder sees it too."""
    assert list(embeds.shape) == [count, model.config.d_model]

    def before(_encoder, _args, kwargs):
        rows = model.get_input_embeddings()(kwargs.pop("input_ids"))
        mask = kwargs["attention_mask"]
        mask.data = torch.cat([torch.ones(len(mask), count, dtype=mask.dtype), mask], 1)
        return (), {**kwargs, "inputs_embeds": torch.cat([embeds.expand(len(rows), -1, -1), rows], 1)}

    model.encoder.register_forward_pre_hook(before, with_kwargs=True)


def by_readme(folder):
    """The variable `model` of the Python that the folder's README has, which is run in the folder."""
    (lines,) = re.findall(r"^```python\n(.*?)^```", (folder / "README.md").read_text(), re.M | re.S)
    variables = {}
    with contextlib.chdir(folder), contextlib.redirect_stdout(sys.stderr):
        exec(lines, variables)
    return variables["model"]


def logits_of(kind, folder, backbone, source, target):
    whole = kind == "huggingface"
    model = AutoModelForSeq2SeqLM.from_pretrained(folder if whole else backbone, dtype="auto" if whole else torch.float32)
    assert model.dtype == torch.float32
    readers = {"adapterhub": adapterhub, "opendelta": opendelta}
    tensors = readers[kind](folder, model) if kind in readers else None
    if kind == "peft":  # the library itself
        model = by_readme(folder)
    model.eval()
    start = torch.full((len(target), 1), model.config.decoder_start_token_id)
    with torch.no_grad():
        logits = model(
            input_ids=source, attention_mask=(source != 0).long(), decoder_input_ids=torch.cat([start, target[:, :-1]], 1)
        ).logits
    if tensors:
        tensors.check()
    return logits.flatten().tolist()


def main(source, target, *exports):
    source, target = torch.tensor(json.loads(source)), torch.tensor(json.loads(target))
    each = zip(exports[::3], exports[1::3], exports[2::3])
    json.dump([logits_of(kind, Path(folder), backbone, source, target) for backbone, kind, folder in each], sys.stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
