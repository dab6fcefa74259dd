"""Methods that Hugging Face peft has: its own layers compute, with our tensors in place of their parameters."""

import copy

import peft
import torch
import torch_encoders
import torch_methods
from peft.tuners.vera import VeraLayer

SUBLAYERS = {"SelfAttention": "attention", "EncDecAttention": "cross_attention", "DenseReluDense": "feed_forward"}
# What peft calls a tensor of a layer, and what we do.
PARTS = {
    "lora_A.default.weight": "lora_a",
    "lora_B.default.weight": "lora_b",
    "lora_magnitude_vector.default.weight": "magnitude",
    "ia3_l.default": "ia3",
    "vera_lambda_d.default": "lambda_d",
    "vera_lambda_b.default": "lambda_b",
    **{f"lokr_{part}.default": part for part in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b")},
}
# What we call VeRA's A and B, which are not trained.
PROJECTIONS = ("projection_a", "projection_b")
KINDS = ("lora", "lokr", "vera", "ia3")


def site_of(model, module):
    """`encoder.block.0.layer.0.SelfAttention.q` → `encoder`, 0, `attention`, `q`; None outside the layers."""
    if torch_encoders.is_encoder(model):
        return torch_encoders.site_of(model, module)
    parts = module.split(".")
    if len(parts) != 7:
        return None
    return parts[0], int(parts[2]), SUBLAYERS[parts[5]], parts[6]


def product_of(model, module):
    """What we call a product: `q`, or the head's own name."""
    site = site_of(model, module)
    return site[3] if site else module


def targets(options, model):
    """The modules that the options choose, by their whole names."""
    placement = options["placement"]
    names = [site_of(model, name) for name, _ in model.named_modules()]
    stacks = {site[0]: site[1] + 1 for site in sorted(filter(None, names))}

    def chosen(name):
        if name in options["targets"]:  # the head
            return True
        site = site_of(model, name)
        if site is None or (options["targets"] != "all" and site[3] not in options["targets"]):
            return False
        layers = torch_methods.layer_numbers(placement[f"{site[0]}_layers"], stacks[site[0]])
        return site[2] in placement["sublayers"] and site[1] in layers

    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    return [name for name in linear if chosen(name)]


def config_of(options, model):
    if options["kind"] == "ia3":
        modules = targets(options, model)
        scaled = [name for name in modules if product_of(model, name) in options["scaled_inputs"]]
        return peft.IA3Config(target_modules=modules, feedforward_modules=scaled)
    if options["kind"] == "lokr":
        return peft.LoKrConfig(
            r=options["rank"],
            alpha=options["alpha"],
            decompose_both=options["decompose_both"],
            decompose_factor=options["decompose_factor"],
            target_modules=targets(options, model),
        )
    if options["kind"] == "vera":
        return peft.VeraConfig(
            r=options["rank"],
            d_initial=options["d_initial"],
            vera_dropout=options["dropout"],
            projection_prng_key=options["projection_seed"],
            target_modules=targets(options, model),
        )
    return peft.LoraConfig(
        r=options["rank"],
        lora_alpha=options["alpha"],
        use_rslora=options["rank_stabilised"],
        use_dora=options["magnitudes"],
        lora_dropout=options["dropout"],
        target_modules=targets(options, model),
    )


def inject(options, model):
    """Puts peft's layers into the model, with VeRA's projections in its dtype: peft leaves them float32."""
    config = config_of(options, model)
    if options["kind"] == "vera":  # which `inject_adapter_in_model` refuses; this changes the model in place too
        peft.get_peft_model(model, config)
    else:
        peft.inject_adapter_in_model(config, model)
    for shared in projections(model):
        shared.to(next(model.parameters()).dtype)


def projections(model):
    """VeRA's A and B, which all layers share."""
    layers = [module for module in model.modules() if isinstance(module, VeraLayer)]
    return [layers[0].vera_A, layers[0].vera_B] if layers else []


def renamed(model):
    """{our name: peft's parameter} of a model with peft's layers."""
    found = {}
    for name, _ in model.named_parameters():
        for theirs, ours in PARTS.items():
            if name.endswith(f".{theirs}"):
                module = name.removesuffix(f".{theirs}")
                site = site_of(model, module)
                prefix = f"{site[0]}.{site[1]}.{site[2]}.{site[3]}" if site else module
                found[f"{prefix}.{ours}"] = name
    return found


def tensors(options, model, generator):
    """Random values, clearly visible; factors and lengths of rows near their start."""
    injected = copy.deepcopy(model)
    inject(options, injected)
    values = {}
    for ours, theirs in renamed(injected).items():
        start = injected.get_parameter(theirs).detach()
        noise = torch.randn(start.shape, generator=generator)
        multiplies = ours.endswith((".magnitude", ".ia3"))
        spread = 0.6 if ".lambda_" in ours else 0.25
        values[ours] = start * (1 + 0.3 * noise) if multiplies else spread * noise
    drawn = [shared["default"] for shared in projections(injected)]
    return values | dict(zip(PROJECTIONS, drawn))


def attach(options, model, _trained):
    inject(options, model)
    return []
