"""Small random T5s with dimensions that never coincide, written as Hugging Face folders."""

import sys
from pathlib import Path

import torch
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5 import modeling_t5
from transformers.utils.logging import disable_progress_bar

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src" / "measure"))
import torch_methods  # noqa: E402
from torch_methods import names  # noqa: E402

disable_progress_bar()
FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

TINY = dict(
    vocab_size=97,
    d_model=24,
    d_kv=10,
    num_heads=3,
    d_ff=40,
    num_layers=3,
    num_decoder_layers=2,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=20,
    dropout_rate=0.1,
    decoder_start_token_id=0,
    pad_token_id=0,
    eos_token_id=1,
)

VERSIONS = {
    "t5-tiny": dict(feed_forward_proj="relu"),
    "t5-tiny-v1_1": dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}
PADDED = {"t5-tiny-padded": dict(pad_token_id=7, decoder_start_token_id=4)}  # padding.py


def _rms_norm(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def allow_float64():
    """transformers computes the variance in float32 whatever the input; in float32 this is the same operation."""
    modeling_t5.T5LayerNorm.forward = _rms_norm


def standard_deviation(name: str, config) -> float:
    """How far a weight spreads so that activations are O(1) and attention is neither flat nor a single peak."""
    inner = config.num_heads * config.d_kv
    if name == "shared.weight":
        return 1.0
    if name == "lm_head.weight":
        return 1.5 * config.d_model**-0.5
    if "relative_attention_bias" in name:
        return 1.0
    if "layer_norm" in name:
        return 0.2
    fan_in = {"q": config.d_model, "k": config.d_model, "v": config.d_model, "o": inner, "wo": config.d_ff}
    part = name.split(".")[-2]
    scale = {"q": 0.6, "k": 0.6, "o": 2.0, "wo": 2.0}.get(part, 1.0)  # decoding repeats its input where o and wo are small
    return scale * fan_in.get(part, config.d_model) ** -0.5


def write_tiny(backbone: str, seed: int):
    config = T5Config(**TINY | (VERSIONS | PADDED)[backbone])
    model = T5ForConditionalGeneration(config)
    if not config.scale_decoder_outputs:
        model.lm_head.weight = torch.nn.Parameter(torch.empty(config.vocab_size, config.d_model))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name in names(model):
            weight = model.get_parameter(name)
            centre = 1.0 if "layer_norm" in name else 0.0
            weight.copy_(centre + standard_deviation(name, config) * torch.randn(weight.shape, generator=generator))
        if config.scale_decoder_outputs:
            model.shared.weight[1] *= 1.5  # so that </s> is decoded now and then
    model.save_pretrained(FIXTURES / backbone)
    reloaded = load(backbone)
    assert names(reloaded) == names(model)
    for name in names(model):
        assert torch.equal(reloaded.get_parameter(name), model.get_parameter(name)), name


def load(backbone: str, dtype=torch.float32) -> T5ForConditionalGeneration:
    """The frozen backbone without dropout."""
    model = T5ForConditionalGeneration.from_pretrained(FIXTURES / backbone, attn_implementation="eager", dtype=dtype)
    return model.eval().requires_grad_(False)
