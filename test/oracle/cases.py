"""The list of cases: what each fixture holds, by name."""

EVERYWHERE = {"sublayers": ["attention", "feed_forward"], "encoder_layers": "all", "decoder_layers": "all"}
FEED_FORWARD = EVERYWHERE | {"sublayers": ["feed_forward"]}
ALL_SUBLAYERS = EVERYWHERE | {"sublayers": ["attention", "cross_attention", "feed_forward"]}


def compacter(n, rank, reduction_factor, placement=EVERYWHERE, rule="shared", nonlinearity="gelu_new"):
    return {
        "kind": "compacter",
        "n": n,
        "factors": "low_rank",
        "rank": rank,
        "rule": rule,
        "reduction_factor": reduction_factor,
        "nonlinearity": nonlinearity,
        "placement": placement,
    }


def adapter(reduction_factor, placement=EVERYWHERE, **more):
    return {
        "kind": "adapter",
        "reduction_factor": reduction_factor,
        "nonlinearity": "gelu_new",
        "placement": placement,
        **more,
    }


def phm(n, reduction_factor):
    options = compacter(n, None, reduction_factor, rule="own") | {"factors": "full"}
    return {key: value for key, value in options.items() if value is not None}


def lora(rank, alpha, targets, placement=None, **more):
    return {
        "kind": "lora",
        "rank": rank,
        "alpha": alpha,
        "rank_stabilised": False,
        "dropout": 0,
        "magnitudes": False,
        "targets": targets,
        "placement": placement or ALL_SUBLAYERS,
        "train_layer_norms": False,
        "train_lm_head": False,
        **more,
    }


def lokr(rank, alpha, targets, **more):
    return {
        "kind": "lokr",
        "rank": rank,
        "alpha": alpha,
        "decompose_both": False,
        "decompose_factor": -1,
        "targets": targets,
        "placement": ALL_SUBLAYERS,
        "train_layer_norms": False,
        "train_lm_head": False,
        **more,
    }


def vera(rank, targets, **more):
    return {
        "kind": "vera",
        "rank": rank,
        "d_initial": 0.1,
        "dropout": 0,
        "projection_seed": 3,
        "targets": targets,
        "placement": ALL_SUBLAYERS,
        "train_layer_norms": False,
        "train_lm_head": False,
        **more,
    }


def ia3(targets, scaled_inputs, **more):
    return {
        "kind": "ia3",
        "targets": targets,
        "scaled_inputs": scaled_inputs,
        "placement": ALL_SUBLAYERS,
        "train_layer_norms": False,
        "train_lm_head": False,
        **more,
    }


def prefixes(length, bottleneck, **placement):
    everywhere = {"sublayers": ["attention", "cross_attention"], "encoder_layers": "all", "decoder_layers": "all"}
    return {
        "kind": "prefix_tuning",
        "length": length,
        "bottleneck": bottleneck,
        "placement": everywhere | placement,
    }


def union(*methods):
    return {"kind": "union", "methods": [*methods]}


# Learning rates are large enough that ten steps move every tensor by more than rounding can hide.
ON_BOTH = {
    "none": ({"kind": "none"}, 0),
    "compacter-n3-rank2": (compacter(3, 2, 2), 1e-2),
    "compacter-feed-forward": (compacter(4, 1, 3, FEED_FORWARD), 1e-2),
    "compacter-layers": (compacter(2, 1, 4, EVERYWHERE | {"encoder_layers": [1, 2], "decoder_layers": [1]}), 1e-2),
}
ON_BOTH |= {
    "lora": (lora(2, 3, ["q", "v"]), 1e-2),
    "lora-plus": (lora(2, 3, ["q", "v"], loraplus_lr_ratio=4), 1e-2),
    "lora-all": (lora(3, 2, "all", rank_stabilised=True), 3e-3),
    "dora": (lora(2, 3, ["k", "v", "wo"], magnitudes=True), 1e-2),
    "lora-head": (lora(2, 3, ["o", "lm_head"]), 1e-2),
    "lokr": (lokr(2, 3, ["q", "v", "wo"]), 1e-2),
    "lokr-both": (lokr(2, 30, ["k", "lm_head"], decompose_both=True, decompose_factor=6), 1e-2),
    "lokr-whole": (lokr(8, 20, ["o"]), 1e-2),
    "vera": (vera(5, ["q", "wo"]), 1e-2),
    "vera-head": (vera(3, ["k", "o", "lm_head"]), 1e-2),
    "ia3": (ia3(["k", "v", "wo"], ["wo"]), 1e-2),
    "ia3-inputs": (ia3(["q", "o", "lm_head"], ["q", "lm_head"]), 1e-2),
    "prefix-tuning": (prefixes(5, 7), 1e-2),
    "prefix-tuning-stored": (prefixes(4, "none"), 1e-2),
    "prefix-tuning-encoder": (prefixes(2, 3, sublayers=["attention"], encoder_layers=[0, 2], decoder_layers=[]), 1e-2),
    "prefix-tuning-cross": (prefixes(3, "none", sublayers=["cross_attention"], decoder_layers=[1]), 1e-2),
    "layer-norm-tuning": ({"kind": "layer_norm_tuning"}, 1e-2),
    "parallel-adapter": (
        adapter(2, FEED_FORWARD, arrangement="parallel", scale=4, train_layer_norms=False) | {"nonlinearity": "relu"},
        3e-3,
    ),
    "parallel-adapter-norms": (adapter(3, arrangement="parallel", scale=4, layer_norm="both"), 3e-3),
    "adapter-scaled": (adapter(3, ALL_SUBLAYERS, scale=0.5), 1e-2),
    "compacter-parallel": (compacter(3, 2, 2, ALL_SUBLAYERS) | {"arrangement": "parallel", "scale": 2}, 3e-3),
}
ON_BOTH |= {
    "union-lora-compacter": (
        union(lora(2, 3, ["q", "v"]), compacter(4, 1, 3, EVERYWHERE | {"sublayers": ["feed_forward"]})),
        1e-2,
    ),
    "union-prompt-ia3-adapter": (
        union(
            {"kind": "prompt_tuning", "length": 2},
            ia3(["k", "wo"], ["wo"], train_layer_norms=True),
            adapter(3, EVERYWHERE | {"sublayers": ["attention"]}),
        ),
        1e-2,
    ),
}
ON_BOTH |= {"union-lora-vera": (union(lora(2, 3, ["q", "v"]), vera(4, ["k", "wo"])), 1e-2)}
UPPER_LAYERS = EVERYWHERE | {"encoder_layers": [2], "decoder_layers": [1]}
FULL = ({"kind": "full"}, 3e-3)
BITFIT = ({"kind": "bitfit"}, 1e-2)
BITFIT_HEAD = ({"kind": "bitfit", "train_lm_head": True}, 3e-3)
FIXED_RULE = (compacter(3, 2, 2) | {"learn_rule": False}, 1e-2)
SAID = ({"kind": "intrinsic", "dimension": 200, "said": True, "projection": "fastfood"}, 1e-2)

ON_V1_0 = {
    "full": FULL,
    "adapter": (adapter(3), 1e-2),
    "pfeiffer-adapter": (adapter(4, EVERYWHERE | {"sublayers": ["attention"]}), 1e-2),
    "adapterdrop": (adapter(3, UPPER_LAYERS), 1e-2),
    "low-rank-adapter": (adapter(4, factors="low_rank", rank=2), 1e-2),
    "adapter-norm-after": (adapter(3, layer_norm="after"), 1e-2),
    "adapter-trained-head": (adapter(3, UPPER_LAYERS, train_lm_head=True), 3e-3),
    "phm-adapter": (phm(3, 2), 1e-2),
    "compacter-own-rules": (compacter(2, 3, 4, rule="own"), 1e-2),
    "compacter-relu": (compacter(3, 2, 2, nonlinearity="relu"), 1e-2),
    "compacter-gelu": (compacter(3, 2, 2, nonlinearity="gelu"), 1e-2),
    "adapter-mish": (adapter(3, UPPER_LAYERS) | {"nonlinearity": "mish"}, 1e-2),
    "adapter-elu": (adapter(3, UPPER_LAYERS) | {"nonlinearity": "elu"}, 1e-2),
    "adapter-sigmoid": (adapter(3, UPPER_LAYERS) | {"nonlinearity": "sigmoid"}, 1e-2),
    "compacter-leaky-relu": (compacter(3, 2, 2, UPPER_LAYERS, nonlinearity="leaky_relu"), 1e-2),
    "compacter-swish": (compacter(3, 2, 2, nonlinearity="swish"), 1e-2),
    "compacter-norm-before": (compacter(3, 2, 2) | {"layer_norm": "before"}, 1e-2),
    "compacter-norms": (compacter(3, 2, 2, UPPER_LAYERS) | {"layer_norm": "both"}, 1e-2),
    "compacter-shared-blocks": (compacter(3, 2, 2, rule="own") | {"blocks": "shared"}, 1e-2),
    "compacter-rule-factors": (compacter(3, 2, 2) | {"rule_factors": "low_rank"}, 1e-2),
    "compacter-own-rule-factors": (compacter(4, 3, 3, rule="own") | {"rule_factors": "low_rank"}, 1e-2),
    "compacter-fixed-rule": FIXED_RULE,
    "compacter-fixed-own-factors": (
        compacter(2, 3, 4, rule="own") | {"rule_factors": "low_rank", "learn_rule": False},
        1e-2,
    ),
    "phm-shared-blocks": (phm(2, 3) | {"blocks": "shared", "train_layer_norms": False}, 1e-2),
    "bitfit": BITFIT,
    "bitfit-trained-head": BITFIT_HEAD,
    "prompt-tuning": ({"kind": "prompt_tuning", "length": 3}, 1e-2),
    "intrinsic": ({"kind": "intrinsic", "dimension": 200, "said": False, "projection": "fastfood"}, 1e-2),
    "intrinsic-said": SAID,
}
CASES = {
    "t5-tiny": ON_BOTH | ON_V1_0,
    "t5-tiny-v1_1": ON_BOTH
    | {
        "full": FULL,
        "bitfit": BITFIT,
        "bitfit-trained-head": BITFIT_HEAD,
        "compacter-fixed-rule": FIXED_RULE,
        "intrinsic-said": SAID,
        "compacter-trained-head": (compacter(3, 2, 2, UPPER_LAYERS) | {"train_lm_head": True}, 3e-3),
    },
}
