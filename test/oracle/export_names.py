"""Names and shapes of an adapter's tensors in the libraries adapters 1.2 and OpenDelta 0.3.2, on the quickstart's backbone.

    python test/oracle/export_names.py

Written out from the libraries' modules (Adapter, PHMLayer; HyperComplexAdapterLayer, AdapterLayer, LowRankAdapter) for
placements in every layer; what is shared has its own line. Gives test/fixtures/export/names.json.
"""

import json

from backbone import FIXTURES

CONFIG = json.loads((FIXTURES.parent.parent / "configs/backbones/t5-nano/config.json").read_text())
D = CONFIG["d_model"]
LAYERS = {"encoder": CONFIG["num_layers"], "decoder": CONFIG.get("num_decoder_layers", CONFIG["num_layers"])}
NAME = "quickstart"


def phm(n, rank, inputs, outputs):
    return {"W_left": [n, inputs // n, rank], "W_right": [n, rank, outputs // n], "b": [outputs]}


def whole(n, inputs, outputs):
    return {"W": [n, inputs // n, outputs // n], "b": [outputs], "phm_rule": [n, n, n]}


def linear(inputs, outputs):
    return {"weight": [outputs, inputs], "bias": [outputs]}


def low_rank(rank, inputs, outputs):
    return {"W_left": [inputs, rank], "W_right": [rank, outputs], "b": [outputs]}


def blocks(attention, feed_forward):
    """(block, its attention's name, its feed-forward's name), where there is an adapter."""
    for stack, count in LAYERS.items():
        last = 1 if stack == "encoder" else 2
        for i in range(count):
            if attention:
                yield f"{stack}.block.{i}.layer.0", "SelfAttention.o"
            if feed_forward:
                yield f"{stack}.block.{i}.layer.{last}", "DenseReluDense.wo"


def adapterhub(make, bottleneck, attention=True, feed_forward=True, shared=None):
    names = {f"transformer.shared_parameters.{NAME}.{k}": v for k, v in (shared or {}).items()}
    for layer, _ in blocks(attention, feed_forward):
        for part, (inputs, outputs) in {"adapter_down.0": (D, bottleneck), "adapter_up": (bottleneck, D)}.items():
            for k, v in make(inputs, outputs).items():
                names[f"transformer.{layer}.adapters.{NAME}.{part}.{k}"] = v
    return names


def opendelta(make, bottleneck, inside, parts, attention=True, feed_forward=True):
    names = {}
    for layer, module in blocks(attention, feed_forward):
        for part, (inputs, outputs) in zip(parts, [(D, bottleneck), (bottleneck, D)]):
            for k, v in make(inputs, outputs).items():
                names[f"{layer}.{module}.{inside}.{part}.{k}"] = v
    return names


SAMPLERS = ("down_sampler", "up_sampler")
B = D // 32


def main():
    rule, rule4 = {"phm_rule": [2, 2, 2]}, {"phm_rule": [4, 4, 4]}
    compacter = lambda i, o: phm(2, 2, i, o)
    plus = lambda i, o: phm(4, 2, i, o)
    names = {
        "adapterhub": {
            "adapter": adapterhub(linear, B),
            "pfeiffer-adapter": adapterhub(linear, B, feed_forward=False),
            "compacter": adapterhub(compacter, B, shared=rule),
            "compacter++": adapterhub(plus, B, attention=False, shared=rule4),
            "phm-adapter": adapterhub(lambda i, o: whole(2, i, o), B),
        },
        "opendelta": {
            "adapter": opendelta(linear, B, "adapter.modulelist", ("down_proj", "up_proj")),
            "low-rank-adapter": opendelta(lambda i, o: low_rank(1, i, o), B, "low_rank_adapter", SAMPLERS),
            "compacter": opendelta(lambda i, o: compacter(i, o) | rule, B, "compactor", SAMPLERS),
            "compacter++": opendelta(lambda i, o: plus(i, o) | rule4, B, "compactor", SAMPLERS, attention=False),
            "phm-adapter": opendelta(lambda i, o: whole(2, i, o), B, "compactor", SAMPLERS),
        },
    }
    (FIXTURES / "export").mkdir(exist_ok=True)
    (FIXTURES / "export" / "names.json").write_text(json.dumps(names, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
