"""The list of cases: what each fixture holds, by name."""

EVERYWHERE = {"sublayers": ["attention", "feed_forward"], "encoder_layers": "all", "decoder_layers": "all"}


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


# Learning rates are large enough that ten steps move every tensor by more than rounding can hide.
ON_BOTH = {
    "none": ({"kind": "none"}, 0),
    "compacter-n3-rank2": (compacter(3, 2, 2), 1e-2),
    "compacter-feed-forward": (compacter(4, 1, 3, EVERYWHERE | {"sublayers": ["feed_forward"]}), 1e-2),
    "compacter-layers": (compacter(2, 1, 4, EVERYWHERE | {"encoder_layers": [1, 2], "decoder_layers": [1]}), 1e-2),
}
CASES = {"t5-tiny": ON_BOTH, "t5-tiny-v1_1": ON_BOTH}
