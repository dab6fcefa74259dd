"""Every method as: the tensors it trains (float32, random, clearly visible), and how they enter transformers' T5.

`tensors(options, model, generator)` gives {name: initial value}; `attach(options, model, trained)` installs hooks that
read the dict `trained` at each call, so the same model serves any dtype or leaf tensors.
"""

import torch
from torch.nn import functional as F

import fastfood
import peft_methods
from backbone import names

ACTIVATIONS = {
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "relu": F.relu,
    "swish": F.silu,
}
ADAPTERS = ("adapter", "compacter")


def normal(generator, std, *shape):
    return std * torch.randn(*shape, generator=generator)


# --- adapters -------------------------------------------------------------------------------------------------------


def sites(options, model):
    """[(site, module whose output the adapter follows)]; layers are counted from 0 in each stack."""
    placement = options["placement"]
    found = []
    for stack in ("encoder", "decoder"):
        blocks = getattr(model, stack).block
        chosen = placement[f"{stack}_layers"]
        for i in range(len(blocks)) if chosen == "all" else chosen:
            if "attention" in placement["sublayers"]:
                found.append((f"{stack}.{i}.attention", blocks[i].layer[0].SelfAttention))
            if "feed_forward" in placement["sublayers"]:
                found.append((f"{stack}.{i}.feed_forward", blocks[i].layer[-1].DenseReluDense))
    return found


def block_name(options, name):
    """Whose blocks a projection uses: its own, or those of all down- or all up-projections."""
    return name.split(".")[-1] if options.get("blocks") == "shared" else name


def rule_tensors(options, name, generator):
    """The rule [n, n, n], or its factors left [n, n, r] and right [n, r, n]."""
    n = options["n"]
    if options.get("rule_factors") == "low_rank":
        return {
            f"{name}.left": normal(generator, 0.6, n, n, options["rank"]),
            f"{name}.right": normal(generator, 0.6, n, options["rank"], n),
        }
    return {name: normal(generator, 0.5, n, n, n)}


def rule_of(options, trained, name):
    """The rule [n, n, n] that a projection uses."""
    rule = "rule" if options["rule"] == "shared" else f"{name}.rule"
    if options.get("rule_factors") == "low_rank":
        return torch.bmm(trained[f"{rule}.left"], trained[f"{rule}.right"])
    return trained[rule]


def projection_tensors(options, name, inputs, outputs, generator):
    """The tensors of one projection inputs → outputs: y = xW + b."""
    tensors = {f"{name}.bias": normal(generator, 0.2, outputs)}
    if options["kind"] == "adapter":
        if options.get("factors") == "low_rank":
            tensors[f"{name}.s"] = normal(generator, 0.3, inputs, options["rank"])
            tensors[f"{name}.t"] = normal(generator, 0.5, options["rank"], outputs)
        else:
            tensors[f"{name}.weight"] = normal(generator, 0.2, inputs, outputs)
        return tensors
    n, block = options["n"], block_name(options, name)
    if options["rule"] == "own":
        tensors |= rule_tensors(options, f"{name}.rule", generator)
    if options["factors"] == "low_rank":
        tensors[f"{block}.s"] = normal(generator, 0.4, n, inputs // n, options["rank"])
        tensors[f"{block}.t"] = normal(generator, 0.4, n, options["rank"], outputs // n)
    else:
        tensors[f"{block}.b"] = normal(generator, 0.3, n, inputs // n, outputs // n)
    return tensors


def norm_tensors(options, site, d, generator):
    """Weight and bias of an adapter's own layer norms."""
    tensors = {}
    for place in ("before", "after"):
        if options.get("layer_norm", "none") in (place, "both"):
            tensors[f"{site}.norm_{place}.weight"] = 1 + normal(generator, 0.2, d)
            tensors[f"{site}.norm_{place}.bias"] = normal(generator, 0.2, d)
    return tensors


def weight_by_kron(options, trained, name):
    """W [in, out] exactly as the paper writes it: Σᵢ Aᵢ ⊗ Bᵢ, Bᵢ = sᵢ tᵢ."""
    if options["kind"] == "adapter":
        low_rank = options.get("factors") == "low_rank"
        return trained[f"{name}.s"] @ trained[f"{name}.t"] if low_rank else trained[f"{name}.weight"]
    block, factored = block_name(options, name), options["factors"] == "low_rank"
    blocks = trained[f"{block}.s"] @ trained[f"{block}.t"] if factored else trained[f"{block}.b"]
    return sum(torch.kron(a, b) for a, b in zip(rule_of(options, trained, name), blocks))


def project(options, trained, name, x):
    """x [..., in] → [..., out] without W for the hypercomplex kinds."""
    if options["kind"] == "adapter":
        if options.get("factors") == "low_rank":
            return x @ trained[f"{name}.s"] @ trained[f"{name}.t"] + trained[f"{name}.bias"]
        return x @ trained[f"{name}.weight"] + trained[f"{name}.bias"]
    rule, block = rule_of(options, trained, name), block_name(options, name)
    parts = x.unflatten(-1, (options["n"], -1))
    if options["factors"] == "low_rank":
        y = torch.einsum("...ap,ipr,iac,irq->...cq", parts, trained[f"{block}.s"], rule, trained[f"{block}.t"])
    else:
        y = torch.einsum("...ap,iac,ipq->...cq", parts, rule, trained[f"{block}.b"])
    return y.flatten(-2) + trained[f"{name}.bias"]


def adapter_tensors(options, model, generator):
    d = model.config.d_model
    b = d // options["reduction_factor"]
    tensors = {}
    if options["kind"] == "compacter" and options["rule"] == "shared":
        tensors |= rule_tensors(options, "rule", generator)
    for site, _ in sites(options, model):
        tensors |= projection_tensors(options, f"{site}.down", d, b, generator)
        tensors |= projection_tensors(options, f"{site}.up", b, d, generator)
        tensors |= norm_tensors(options, site, d, generator)
    head = "shared.weight" if model.config.scale_decoder_outputs else "lm_head.weight"
    for name in names(model):
        norm = "layer_norm" in name and options.get("train_layer_norms", True)
        if norm or (name == head and options.get("train_lm_head")):
            tensors[name] = model.get_parameter(name).detach().clone()
    return tensors


def attach_adapters(options, model, trained):
    activation = ACTIVATIONS[options["nonlinearity"]]

    def normed(place, site, x):
        if options.get("layer_norm", "none") not in (place, "both"):
            return x
        weight, bias = (trained[f"{site}.norm_{place}.{part}"] for part in ("weight", "bias"))
        norm = torch.nn.LayerNorm(x.shape[-1], device="meta")
        return torch.func.functional_call(norm, {"weight": weight, "bias": bias}, (x,))

    def adapter(site):
        def add(_module, _inputs, output):
            s = output[0] if isinstance(output, tuple) else output
            hidden = activation(project(options, trained, f"{site}.down", normed("before", site, s)))
            s = s + normed("after", site, project(options, trained, f"{site}.up", hidden))
            return (s, *output[1:]) if isinstance(output, tuple) else s

        return add

    return [module.register_forward_hook(adapter(site)) for site, module in sites(options, model)]


def fixed_names(options, tensors):
    """Tensors that stay as they were drawn: the rule where it is not learnt."""
    return [name for name in tensors if not options.get("learn_rule", True) and "rule" in name.split(".")]


# --- bitfit ---------------------------------------------------------------------------------------------------------


def biased_modules(model):
    """[(name of the bias, module)]: every linear map and block norm; neither final norms nor embeddings."""
    return [
        (f"{name}.bias", module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) or name.endswith(".layer_norm")
    ]


def bitfit_tensors(_options, model, generator):
    def width(module):
        return module.out_features if isinstance(module, torch.nn.Linear) else module.weight.shape[0]

    return {name: normal(generator, 0.2, width(module)) for name, module in biased_modules(model)}


def attach_bitfit(_options, model, trained):
    def add(name):
        return lambda _module, _inputs, output: output + trained[name]

    return [module.register_forward_hook(add(name)) for name, module in biased_modules(model)]


# --- the rest -------------------------------------------------------------------------------------------------------


def full_tensors(_options, model, _generator):
    return {name: model.get_parameter(name).detach().clone() for name in names(model)}


def prompt_tensors(options, model, generator):
    return {"prompt": normal(generator, 0.7, options["length"], model.config.d_model)}


def nothing(*_):
    return {}


def no_hooks(*_):
    return []


TENSORS = {
    "none": nothing,
    "full": full_tensors,
    "bitfit": bitfit_tensors,
    "prompt_tuning": prompt_tensors,
    "intrinsic": fastfood.tensors,
    **dict.fromkeys(ADAPTERS, adapter_tensors),
    **dict.fromkeys(peft_methods.KINDS, peft_methods.tensors),
}
HOOKS = {
    "bitfit": attach_bitfit,
    **dict.fromkeys(ADAPTERS, attach_adapters),
    **dict.fromkeys(peft_methods.KINDS, peft_methods.attach),
}


def tensors(options, model, generator):
    return TENSORS[options["kind"]](options, model, generator)


def attach(options, model, trained):
    return HOOKS.get(options["kind"], no_hooks)(options, model, trained)
