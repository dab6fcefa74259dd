"""T5s whose head is the embedding table or one of its own, and of every activation, as two versions of transformers write them.

    python test/oracle/layouts.py       # under transformers 4.57, then again under 5.18

Writes test/fixtures/layouts/<model>-<head>-<4|5>/ for T5 v1.0, v1.1 and mT5, as the transformers that runs saves them. 5 also writes
those of 4 that it has loaded and saved again (`…-4-resaved`), heads that only it can tell (scaled and one of its own; tied and
not scaled), feed-forward sublayers whose `dense_act_fn` or `is_gated_act` is not that of `feed_forward_proj`, and `logits.json`: the
logits that transformers 5 gives for each folder. Where the versions differ (a tied mT5 is scaled in 4 only), 5 is what counts.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
import transformers
from transformers import MT5Config, MT5ForConditionalGeneration, T5Config, T5ForConditionalGeneration

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "layouts"
VERSION = transformers.__version__.split(".")[0]
DIMENSIONS = dict(
    vocab_size=31,
    d_model=10,
    d_kv=3,
    num_heads=2,
    d_ff=14,
    num_layers=1,
    num_decoder_layers=2,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=20,
    decoder_start_token_id=0,
)
MODELS = {
    "v1.0": (T5Config, T5ForConditionalGeneration, "relu"),
    "v1.1": (T5Config, T5ForConditionalGeneration, "gated-gelu"),
    "mt5": (MT5Config, MT5ForConditionalGeneration, "gated-gelu"),
}
ACTIVATIONS = {
    "gated-gelu-as-gelu": dict(feed_forward_proj="gated-gelu", dense_act_fn="gelu"),
    "gated-gelu-as-relu": dict(feed_forward_proj="gated-gelu", dense_act_fn="relu"),
    "gated-silu": dict(feed_forward_proj="gated-silu"),
    "gelu": dict(feed_forward_proj="gelu"),
    "relu-as-gated": dict(feed_forward_proj="relu", is_gated_act=True),
}
IDS = [[5, 17, 9, 23, 1], [30, 4, 12, 1, 0]]
MASK = [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]
LABELS = [[11, 26, 1], [7, 1, 0]]


def fill(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            centre = 1.0 if "layer_norm" in name else 0.0
            weight.copy_(centre + 0.5 * torch.randn(weight.shape, generator=generator))


def write(name, kind, own, seed, scaled=None, **options):
    """`scaled` is what transformers 5 tells from the head unless it is given."""
    config_class, model_class, projection = MODELS[kind]
    tied = not own if scaled is None else scaled
    options = {"feed_forward_proj": projection, "tie_word_embeddings": tied} | DIMENSIONS | options
    config = config_class(**options)
    model = model_class(config).eval()
    if own and model.lm_head.weight is model.shared.weight:  # transformers 5 ties every head that it makes
        model.lm_head.weight = torch.nn.Parameter(torch.empty(config.vocab_size, config.d_model))
    fill(model, seed)
    save(model, FOLDER / f"{name}-{VERSION}")


def save(model, folder):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "model.safetensors").chmod(0o644)


def load(folder):
    kind = "mt5" if folder.name.startswith("mt5") else "v1.0"
    return MODELS[kind][1].from_pretrained(folder, attn_implementation="eager").eval()


@torch.no_grad()
def logits_of(folder):
    start = torch.tensor([[0] + row[:-1] for row in LABELS])
    model = load(folder)
    logits = model(input_ids=torch.tensor(IDS), attention_mask=torch.tensor(MASK), decoder_input_ids=start).logits
    return {"own": model.lm_head.weight is not model.shared.weight, "logits": logits.flatten().tolist()}


def main():
    torch.set_num_threads(1)
    for i, kind in enumerate(MODELS):
        write(f"{kind}-tied", kind, False, i)
        write(f"{kind}-own", kind, True, 10 + i)
    if VERSION == "4":
        return
    for folder in FOLDER.glob("*-4"):
        save(load(folder), folder.with_name(f"{folder.name}-resaved"))
    write("v1.0-own-scaled", "v1.0", True, 20, scaled=True)
    write("v1.1-tied-unscaled", "v1.1", False, 21, scaled=False)
    write("v1.0-tied-unscaled", "v1.0", False, 22, scaled=False)
    for i, (name, options) in enumerate(ACTIVATIONS.items()):
        write(f"v1.1-{name}", "v1.1", True, 30 + i, **options)
    expected = {folder.name: logits_of(folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir()}
    facts = {"ids": IDS, "mask": MASK, "labels": LABELS, "folders": expected}
    (FOLDER / "logits.json").write_text(json.dumps(facts))
    for folder, values in expected.items():
        print(folder, "own" if values["own"] else "tied", values["logits"][:3])


if __name__ == "__main__":
    main()
