"""Every method as: the tensors it trains, and how they enter a model of transformers.

`tensors(options, model, generator)` gives {name: random initial value}, visibly far from what does nothing; `attach(options,
model, trained)` installs hooks that read the dict `trained` at each call, so the same model serves any dtype or leaf
tensors. Options that are left out have the defaults of our own.
"""

import torch
from torch.nn import functional as F

import torch_encoders

ACTIVATIONS = {
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "swish": F.silu,
    "mish": F.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda x: x,
}
ADAPTERS = ("adapter", "compacter")
SUBLAYERS = {"attention": "SelfAttention", "cross_attention": "EncDecAttention", "feed_forward": "DenseReluDense"}


def normal(generator, std, *shape):
    return std * torch.randn(*shape, generator=generator)


def names(model) -> list[str]:
    """The backbone's tensors without aliases, sorted: 'shared.weight' once, 'lm_head.weight' only where it is its own."""
    if torch_encoders.is_encoder(model):
        return torch_encoders.names(model)
    return sorted(name for name, _ in model.named_parameters())


# --- adapters -------------------------------------------------------------------------------------------------------


def layer_numbers(layers, count):
    """Layers from 0: `all`, [0, 3], '5-11' or '5-'."""
    if layers == "all":
        return range(count)
    if isinstance(layers, list):
        return layers
    first, last = layers.split("-")
    return range(int(first), int(last) + 1 if last else count)


def sites(options, model):
    """[(site, module whose output is the sublayer's, module whose input is)]; layers are counted from 0 in each stack."""
    placement = options["placement"]
    if torch_encoders.is_encoder(model):
        return torch_encoders.sites(placement, model, layer_numbers)
    found = []
    for stack in ("encoder", "decoder"):
        blocks = getattr(model, stack).block
        for i in layer_numbers(placement[f"{stack}_layers"], len(blocks)):
            for sublayer, module in SUBLAYERS.items():
                if sublayer in placement["sublayers"]:
                    layers = [layer for layer in blocks[i].layer if hasattr(layer, module)]
                    found += [(f"{stack}.{i}.{sublayer}", getattr(layer, module), layer.layer_norm) for layer in layers]
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


def blocks_of(options, trained, name):
    """The blocks [n, in / n, out / n] of a projection."""
    block = block_name(options, name)
    factored = options["factors"] == "low_rank"
    return torch.bmm(trained[f"{block}.s"], trained[f"{block}.t"]) if factored else trained[f"{block}.b"]


def project(options, trained, name, x):
    """x [..., in] → [..., out] without W for the hypercomplex kinds."""
    if options["kind"] == "adapter":
        return linear(options, trained, name, x)
    rule, block = rule_of(options, trained, name), block_name(options, name)
    parts = x.unflatten(-1, (options["n"], -1))
    if options["factors"] == "low_rank":
        y = torch.einsum("...ap,ipr,iac,irq->...cq", parts, trained[f"{block}.s"], rule, trained[f"{block}.t"])
    else:
        y = torch.einsum("...ap,iac,ipq->...cq", parts, rule, trained[f"{block}.b"])
    return y.flatten(-2) + trained[f"{name}.bias"]


def project_by_weight(options, trained, name, x):
    """As `project`, the way the methods' authors do: W = Σᵢ Aᵢ ⊗ Bᵢ is built at each call, an adapter's is torch.nn.Linear's."""
    if options["kind"] == "adapter":
        if options.get("factors") == "low_rank":
            return linear(options, trained, name, x)
        return F.linear(x, trained[f"{name}.weight"].mT, trained[f"{name}.bias"])
    a, b = rule_of(options, trained, name), blocks_of(options, trained, name)
    weight = torch.einsum("iac,ipq->apcq", a, b).flatten(2).flatten(0, 1)
    return x @ weight + trained[f"{name}.bias"]


def linear(options, trained, name, x):
    """The projection of a bottleneck adapter."""
    if options.get("factors") == "low_rank":
        return x @ trained[f"{name}.s"] @ trained[f"{name}.t"] + trained[f"{name}.bias"]
    return x @ trained[f"{name}.weight"] + trained[f"{name}.bias"]


def adapter_tensors(options, model, generator):
    d = model.config.hidden_size
    b = d // options["reduction_factor"]
    tensors = {}
    if options["kind"] == "compacter" and options["rule"] == "shared":
        tensors |= rule_tensors(options, "rule", generator)
    for site, *_ in sites(options, model):
        tensors |= projection_tensors(options, f"{site}.down", d, b, generator)
        tensors |= projection_tensors(options, f"{site}.up", b, d, generator)
        tensors |= norm_tensors(options, site, d, generator)
    return tensors | {name: model.get_parameter(name).detach().clone() for name in unfrozen_names(options, model)}


def unfrozen_names(options, model):
    """The backbone's tensors that a method trains in addition to its own."""

    def chosen(name):
        norm = torch_encoders.NORM.search(name) and options.get("train_layer_norms", True)
        return norm or (options.get("train_lm_head") and model.get_parameter(name) is model.lm_head.weight)

    return [name for name in names(model) if chosen(name)]


def attach_adapters(options, model, trained, projection=project):
    activation = ACTIVATIONS[options["nonlinearity"]]
    parallel, scale = options.get("arrangement") == "parallel", options.get("scale", 1)
    inputs = {}

    def normed(place, site, x):
        if options.get("layer_norm", "none") not in (place, "both"):
            return x
        weight, bias = (trained[f"{site}.norm_{place}.{part}"] for part in ("weight", "bias"))
        return F.layer_norm(x, x.shape[-1:], weight, bias)

    def note(site):
        def keep(_norm, args):
            inputs[site] = args[0]

        return keep

    def adapter(site):
        def add(_module, _args, output):
            s = output[0] if isinstance(output, tuple) else output
            x = inputs.pop(site) if parallel else s
            hidden = activation(projection(options, trained, f"{site}.down", normed("before", site, x)))
            s = s + scale * normed("after", site, projection(options, trained, f"{site}.up", hidden))
            return (s, *output[1:]) if isinstance(output, tuple) else s

        return add

    placed = sites(options, model)
    hooks = [norm.register_forward_pre_hook(note(site)) for site, _, norm in placed if parallel]
    return hooks + [module.register_forward_hook(adapter(site)) for site, module, _ in placed]


def fixed_names(options, tensors):
    """Tensors that stay as they were drawn: VeRA's projections, and the rule where it is not learnt."""
    if options["kind"] == "union":
        return [name for part in options["methods"] for name in fixed_names(part, tensors)]
    fixed_rule = not options.get("learn_rule", True)
    fixed_projections = options["kind"] == "vera"

    def fixed(name):
        return (fixed_rule and "rule" in name.split(".")) or (fixed_projections and name.startswith("projection_"))

    return [name for name in tensors if fixed(name)]


# --- bitfit ---------------------------------------------------------------------------------------------------------


def bias_kind(name, module):
    """Which of the option's kinds a bias is of: every linear map and block norm has one; final norms and embeddings have none."""
    parent, _, own = name.rpartition(".")
    if own == "layer_norm":
        return "layer_norm"
    if not isinstance(module, torch.nn.Linear):
        return None
    sublayers = {module: sublayer for sublayer, module in SUBLAYERS.items()}
    return "lm_head" if own == "lm_head" else sublayers[parent.rpartition(".")[2]]


def biased_modules(options, model):
    """[(name of the bias, module)]"""
    chosen = options.get("biases", [*SUBLAYERS, "layer_norm", "lm_head"])
    return [(f"{name}.bias", module) for name, module in model.named_modules() if bias_kind(name, module) in chosen]


def bitfit_tensors(options, model, generator):
    if torch_encoders.is_encoder(model):
        own = {name: model.get_parameter(name).detach().clone() for name in torch_encoders.bias_names(options, model)}
        added = torch_encoders.added_biases(options, model)
        return own | {name: normal(generator, 0.2, module.weight.shape[0]) for name, module in added}
    head = unfrozen_names(options | {"train_layer_norms": False}, model)
    return {
        name: normal(generator, 0.2, module.weight.shape[0]) for name, module in biased_modules(options, model)
    } | {name: model.get_parameter(name).detach().clone() for name in head}


def attach_bitfit(options, model, trained):
    def add(name):
        return lambda _module, _inputs, output: output + trained[name]

    of_model = torch_encoders.added_biases if torch_encoders.is_encoder(model) else biased_modules
    return [module.register_forward_hook(add(name)) for name, module in of_model(options, model)]


# --- the rest -------------------------------------------------------------------------------------------------------


def full_tensors(_options, model, _generator):
    return {name: model.get_parameter(name).detach().clone() for name in names(model)}


def norm_tensors_of_backbone(_options, model, _generator):
    return {name: model.get_parameter(name).detach().clone() for name in names(model) if torch_encoders.NORM.search(name)}


def prompt_tensors(options, model, generator):
    return {"prompt": normal(generator, 0.7, options["length"], model.config.hidden_size)}


def with_prompt(trained, embedded, mask):
    """embedded [batch, length, d] and mask [batch, length], behind the prompt where one is trained."""
    if "prompt" not in trained:
        return embedded, mask
    prompt = trained["prompt"].expand(len(embedded), -1, -1)
    return torch.cat([prompt, embedded], dim=1), torch.cat([mask.new_ones(prompt.shape[:2]), mask], dim=1)


def attach_prompt(_options, model, trained):
    """A T5's prompt is no hook: see `with_prompt`."""
    if not torch_encoders.is_encoder(model):
        return []
    return torch_encoders.attach_prompt(model, lambda: trained["prompt"])


# --- prefixes -------------------------------------------------------------------------------------------------------


def linear_tensors(name, inputs, outputs, generator):
    """Weight [in, out] and bias [out] of a projection."""
    return {
        f"{name}.weight": normal(generator, 0.7 * inputs**-0.5, inputs, outputs),
        f"{name}.bias": normal(generator, 0.2, outputs),
    }


def prefix_tensors(options, model, generator):
    """Keys and values [length, heads, d_kv] of each attention, or the networks that compute them."""
    length, bottleneck, tensors = options["length"], options["bottleneck"], {}
    heads, d_kv = heads_of(model)
    for site, *_ in sites(options, model):
        if bottleneck == "none":
            for side in ("keys", "values"):
                tensors[f"{site}.prefix.{side}"] = normal(generator, 0.7, length, heads, d_kv)
            continue
        shared = shared_of(site)
        if f"{shared}.embedding" not in tensors:
            tensors[f"{shared}.embedding"] = normal(generator, 1, length, model.config.hidden_size)
            tensors |= linear_tensors(f"{shared}.down", model.config.hidden_size, bottleneck, generator)
        for side in ("keys", "values"):
            tensors |= linear_tensors(f"{site}.prefix.{side}", bottleneck, heads * d_kv, generator)
    return tensors


def heads_of(model):
    """→ heads, d_kv"""
    if torch_encoders.is_encoder(model):
        return torch_encoders.heads_of(model)
    return model.config.num_heads, model.config.d_kv


def shared_of(site):
    """`decoder.1.cross_attention` → `decoder.cross_attention.prefix`, which all layers of the stack share."""
    stack, _, sublayer = site.split(".")
    return f"{stack}.{sublayer}.prefix"


def prefix_side(options, trained, site, heads, side):
    """→ [heads, length, d_kv]"""
    name, shared = f"{site}.prefix.{side}", shared_of(site)
    if options["bottleneck"] == "none":
        return trained[name].transpose(0, 1)
    hidden = torch.tanh(trained[f"{shared}.embedding"] @ trained[f"{shared}.down.weight"] + trained[f"{shared}.down.bias"])
    flat = hidden @ trained[f"{name}.weight"] + trained[f"{name}.bias"]
    return flat.unflatten(-1, (heads, -1)).transpose(0, 1)


def attention_with_prefix(module, prefix):
    """The forward pass of T5Attention with `prefix()` → keys, values [heads, length, d_kv] in front: no bias, no mask."""

    def heads_of(projection, states):
        return projection(states).unflatten(-1, (module.n_heads, module.key_value_proj_dim)).transpose(1, 2)

    def forward(hidden_states, mask=None, key_value_states=None, position_bias=None, **_):
        states = hidden_states if key_value_states is None else key_value_states
        query, key, value = heads_of(module.q, hidden_states), heads_of(module.k, states), heads_of(module.v, states)
        queries, keys = query.shape[2], key.shape[2]
        if position_bias is None and module.has_relative_attention_bias:
            position_bias = module.compute_bias(queries, keys, device=query.device)
        scores = query @ key.mT
        if position_bias is not None:
            scores = scores + position_bias
        if mask is None and module.is_decoder and key_value_states is None:
            mask = torch.ones(queries, keys, dtype=torch.bool, device=query.device).tril()
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
        prefix_keys, prefix_values = prefix()
        weights = torch.cat([query @ prefix_keys.mT, scores], dim=-1).softmax(-1)
        weights = F.dropout(weights, module.dropout, module.training)
        of_prefix, of_tokens = weights.split([prefix_keys.shape[1], keys], dim=-1)
        mixed = of_prefix @ prefix_values + of_tokens @ value
        return module.o(mixed.transpose(1, 2).flatten(2)), position_bias, weights

    return forward


def attach_prefixes(options, model, trained):
    def prefix(site, heads):
        return lambda: [prefix_side(options, trained, site, heads, side) for side in ("keys", "values")]

    heads, _ = heads_of(model)
    for site, module, _ in sites(options, model):
        if torch_encoders.is_encoder(model):
            torch_encoders.attach_prefix(torch_encoders.attention_of(model, int(site.split(".")[1])), prefix(site, heads))
        else:
            module.forward = attention_with_prefix(module, prefix(site, heads))
    return []


# --- several methods ------------------------------------------------------------------------------------------------


def union_tensors(options, model, generator):
    parts = [tensors(part, model, generator) for part in options["methods"]]
    return {name: value for part in parts for name, value in part.items()}


def attach_union(options, model, trained, projection):
    return [hook for part in options["methods"] for hook in attach(part, model, trained, projection)]


# --- no method ------------------------------------------------------------------------------------------------------


def nothing(*_):
    return {}


def no_hooks(*_):
    return []


TENSORS = {
    "none": nothing,
    "full": full_tensors,
    "layer_norm_tuning": norm_tensors_of_backbone,
    "bitfit": bitfit_tensors,
    "prompt_tuning": prompt_tensors,
    "prefix_tuning": prefix_tensors,
    "union": union_tensors,
    **dict.fromkeys(ADAPTERS, adapter_tensors),
}
HOOKS = {"bitfit": attach_bitfit, "prefix_tuning": attach_prefixes, "prompt_tuning": attach_prompt}


def tensors(options, model, generator):
    return TENSORS[options["kind"]](options, model, generator)


def attach(options, model, trained, projection=project):
    """`projection` computes the products of the adapters."""
    if options["kind"] in ADAPTERS:
        return attach_adapters(options, model, trained, projection)
    if options["kind"] == "union":
        return attach_union(options, model, trained, projection)
    return HOOKS.get(options["kind"], no_hooks)(options, model, trained)
