"""t5-small's true dimensions with weights that any language can generate; the formula is in README.md."""

import json
import math

import torch
from safetensors.torch import save_file
from transformers import T5Config, T5ForConditionalGeneration

import backbone
import methods
import training
from cases import compacter
from generated import FIRST_NEW, generated

COLUMNS = 512
OPTIONS = compacter(n=4, rank=1, reduction_factor=32)
SPEC = (
    "value(t, i) = float32(centre + scale * u), u = h / 2^32 - 0.5 in float64, "
    "h = lowbias32(uint32(i) ^ uint32(Math.imul(t + 1, 0x9E3779B9))); i = row-major element, t = position of the name "
    "in the sorted list of backbone names (131 of them), or 1000 + position in the sorted list of new tensors"
)


def centre_and_scale(name, config):
    """u has standard deviation 1/√12, so √12·σ gives σ."""
    root = math.sqrt(12)
    if "layer_norm" in name:
        return 1.0, 0.2
    if name == "shared.weight":
        return 0.0, root
    if "relative_attention_bias" in name:
        return 0.0, 2.0
    part = name.split(".")[-2]
    deviation = {
        "q": (config.d_model * config.d_kv) ** -0.5,
        "o": (config.num_heads * config.d_kv) ** -0.5,
        "wo": config.d_ff**-0.5,
    }.get(part, config.d_model**-0.5)
    return 0.0, root * deviation


def small():
    config = T5Config(decoder_start_token_id=0, dropout_rate=0.1)
    model = T5ForConditionalGeneration._from_config(config, attn_implementation="eager")
    scales = {}
    with torch.no_grad():
        for t, name in enumerate(backbone.names(model)):
            weight = model.get_parameter(name)
            scales[name] = centre_and_scale(name, config)
            weight.copy_(generated(t, weight.shape, *scales[name]))
    return model.eval().requires_grad_(False), scales


def batch():
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(2, 32100, (2, 9), generator=generator, dtype=torch.int32)
    ids[0, 8], ids[1, 6], ids[1, 7:] = 1, 1, 0
    labels = torch.randint(2, 32100, (2, 4), generator=generator, dtype=torch.int32)
    labels[0, 3], labels[1, 2], labels[1, 3:] = 1, 1, 0
    return {"input_ids": ids, "labels": labels}


def new_tensors(model):
    """{name: value}: Compacter's own tensors from the generator; the layer norms stay the backbone's."""
    initial = methods.tensors(OPTIONS, model, torch.Generator().manual_seed(0))
    own = sorted(name for name in initial if "layer_norm" not in name)
    return initial | {name: generated(FIRST_NEW + k, initial[name].shape, 0.0, 0.5) for k, name in enumerate(own)}


def write():
    model, scales = small()
    assert len(scales) == 131
    initial, rows = new_tensors(model), batch()
    logits, loss, gradients = training.step(training.Model(OPTIONS, model, initial), rows)
    bare = training.step(training.Model({"kind": "none"}, small()[0], {}), rows)
    first = {name: [model.get_parameter(name).reshape(-1)[k].item() for k in (0, 1, -1)] for name in scales}
    exact = training.Model(OPTIONS, small()[0].double(), initial)
    exact_logits, _, exact_gradients = training.step(exact, rows)
    worst = max(((a - exact_gradients[k]).abs().max() / exact_gradients[k].abs().max()).item() for k, a in gradients.items())
    assert (logits - exact_logits).abs().max() < 2e-5 * exact_logits.abs().max() and worst < 5e-5, worst

    case = {
        "method": OPTIONS,
        "logits_columns": [0, COLUMNS],
        "generator": SPEC,
        "centre_and_scale": {kind: scales[name] for kind, name in KINDS.items()} | {"new tensors": [0.0, 0.5]},
        "first_second_last": {name: first[name] for name in KINDS.values()},
        "float64_deviation": {"gradient": float(f"{worst:.2e}")},
    }
    saved = {**rows, "logits": logits[..., :COLUMNS], "loss": loss}
    saved |= {f"gradient/{name}": value for name, value in gradients.items()}
    path = backbone.FIXTURES / "t5-small" / "compacter.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in saved.items()}, path, {"case": json.dumps(case)})
    norm = torch.stack([g.norm() for g in gradients.values()]).norm().item()
    print(
        f"t5-small/compacter: {path.stat().st_size} bytes, {sum(v.numel() for v in initial.values())} trained, "
        f"loss {loss:.4f} (bare {bare[1]:.4f}), logits std {logits.std():.2f}, "
        f"effect {((logits - bare[0]).std() / bare[0].std()).item():.2f}, gradient norm {norm:.2f}, deviation {worst:.1e}"
    )


KINDS = {
    "shared": "shared.weight",
    "q": "encoder.block.0.layer.0.SelfAttention.q.weight",
    "k": "encoder.block.0.layer.0.SelfAttention.k.weight",
    "v": "decoder.block.5.layer.1.EncDecAttention.v.weight",
    "o": "decoder.block.5.layer.0.SelfAttention.o.weight",
    "wi": "encoder.block.3.layer.1.DenseReluDense.wi.weight",
    "wo": "decoder.block.3.layer.2.DenseReluDense.wo.weight",
    "relative_attention_bias": "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
    "layer_norm": "encoder.final_layer_norm.weight",
}
