"""Where methods enter transformers' encoders: modules by the family's own names, as in src/backbone/bert/names.ts."""

import functools
import re
import sys

import torch
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

BERT = {
    "layers": "encoder.layer",
    "products": {
        "attention.self.query": ("attention", "q"),
        "attention.self.key": ("attention", "k"),
        "attention.self.value": ("attention", "v"),
        "attention.output.dense": ("attention", "o"),
        "intermediate.dense": ("feed_forward", "wi"),
        "output.dense": ("feed_forward", "wo"),
    },
    "attention": "attention.self",
}
DEBERTA = {
    "layers": "encoder.layer",
    "products": {
        "attention.self.query_proj": ("attention", "q"),
        "attention.self.key_proj": ("attention", "k"),
        "attention.self.value_proj": ("attention", "v"),
        "attention.self.pos_key_proj": ("attention", "distance_k"),
        "attention.self.pos_query_proj": ("attention", "distance_q"),
        "attention.output.dense": ("attention", "o"),
        "intermediate.dense": ("feed_forward", "wi"),
        "output.dense": ("feed_forward", "wo"),
    },
    "attention": "attention.self",
}
DISTILBERT = {
    "layers": "transformer.layer",
    "products": {
        "attention.q_lin": ("attention", "q"),
        "attention.k_lin": ("attention", "k"),
        "attention.v_lin": ("attention", "v"),
        "attention.out_lin": ("attention", "o"),
        "ffn.lin1": ("feed_forward", "wi"),
        "ffn.lin2": ("feed_forward", "wo"),
    },
    "attention": "attention",
}
MODERNBERT = {
    "layers": "layers",
    "products": {
        "attn.Wqkv": ("attention", "qkv"),
        "attn.Wo": ("attention", "o"),
        "mlp.Wi": ("feed_forward", "wi"),
        "mlp.Wo": ("feed_forward", "wo"),
    },
    "attention": "attn",
    "norms": {"attention": "attn_norm", "feed_forward": "mlp_norm"},  # in front of the sublayers
}
LAYOUTS = {
    "modernbert": MODERNBERT,
    "bert": BERT,
    "roberta": BERT,
    "xlm-roberta": BERT,
    "electra": BERT,
    "distilbert": DISTILBERT,
    "deberta-v2": DEBERTA,
}
NORM = re.compile(r"layer_?norm|[._]norm\.", re.IGNORECASE)


def is_encoder(model):
    return model.config.model_type in LAYOUTS


def layout_of(model):
    return LAYOUTS[model.config.model_type]


def layers_of(model):
    return model.base_model.get_submodule(layout_of(model)["layers"])


def names(model):
    """The backbone's tensors, sorted: those of the head are not among them, those of the pooler are."""
    return sorted(name for name, _ in model.named_parameters() if name.startswith(f"{model.base_model_prefix}."))


def head_names(model):
    """The tensors of an encoder's head, which is trained with every method; a T5 has none."""
    if not is_encoder(model):
        return []
    return sorted(name for name, _ in model.named_parameters() if not name.startswith(f"{model.base_model_prefix}."))


def site_of(model, module):
    """`bert.encoder.layer.0.attention.self.query` → `encoder`, 0, `attention`, `q`; None for another module."""
    layout = layout_of(model)
    found = re.fullmatch(rf"(?:.*\.)?{re.escape(layout['layers'])}\.(\d+)\.(.+)", module)
    if found is None or found[2] not in layout["products"]:
        return None
    return ("encoder", int(found[1]), *layout["products"][found[2]])


def sites(placement, model, layer_numbers):
    """[(site, module whose output is the sublayer's, module whose input is)]"""
    layout, layers, found = layout_of(model), layers_of(model), []
    modules = {sides: name for name, sides in layout["products"].items()}
    inputs = layout.get("norms", {"attention": layout["attention"], "feed_forward": modules["feed_forward", "wi"]})
    outputs = {"attention": modules["attention", "o"], "feed_forward": modules["feed_forward", "wo"]}
    for i in layer_numbers(placement["encoder_layers"], len(layers)):
        for sublayer in ("attention", "feed_forward"):
            if sublayer in placement["sublayers"]:
                module, source = (layers[i].get_submodule(side[sublayer]) for side in (outputs, inputs))
                found.append((f"encoder.{i}.{sublayer}", module, source))
    return found


def bias_names(options, model):
    """The biases that the backbone has, of the option's kinds."""
    chosen = options.get("biases", ["attention", "feed_forward", "layer_norm", "lm_head"])

    def kind(name):
        if NORM.search(name):
            return "layer_norm"
        site = site_of(model, name.removesuffix(".bias"))
        return site[2] if site else "lm_head"

    return [name for name in names(model) if name.endswith(".bias") and kind(name) in chosen]


def added_biases(options, model):
    """[(name of the bias, module)] of products and norms of the layers, for a backbone without any bias."""
    if bias_names({}, model):
        return []
    chosen = options.get("biases", ["attention", "feed_forward", "layer_norm"])

    def kind(name, module):
        if isinstance(module, torch.nn.LayerNorm):
            return "layer_norm" if f"{layout_of(model)['layers']}." in name else None
        site = site_of(model, name)
        return site[2] if site else None

    return [(f"{name}.bias", module) for name, module in model.named_modules() if kind(name, module) in chosen]


def attention_of(model, layer):
    return layers_of(model)[layer].get_submodule(layout_of(model)["attention"])


def heads_of(model):
    """→ heads, d_kv"""
    heads = model.config.num_attention_heads
    return heads, model.config.hidden_size // heads


def attach_prefix(module, prefix):
    """Puts `prefix()` → keys, values [heads, length, d_kv] in front of an attention's own, never masked."""
    if hasattr(module, "disentangled_attention_bias"):
        module.forward = functools.partial(disentangled_with_prefix, module, prefix)
        return
    source = sys.modules[type(module).__module__]
    source.eager_attention_forward = behind_prefix(source.eager_attention_forward)
    ALL_ATTENTION_FUNCTIONS["sdpa"] = behind_prefix(ALL_ATTENTION_FUNCTIONS["sdpa"])
    module.prefix_of_method = prefix


def behind_prefix(attend):
    """One of the library's attention functions, for modules with a prefix and without."""
    plain = getattr(attend, "without_prefix", attend)

    def forward(module, query, key, value, attention_mask, **more):
        if not hasattr(module, "prefix_of_method"):
            return plain(module, query, key, value, attention_mask, **more)
        sides = [side.expand(len(query), -1, -1, -1).to(key.dtype) for side in module.prefix_of_method()]
        keys, values = (torch.cat(pair, dim=2) for pair in zip(sides, (key, value)))
        if attention_mask is not None:  # True or 0 lets a query see a key
            seen = attention_mask.dtype == torch.bool
            attention_mask = torch.nn.functional.pad(attention_mask, (sides[0].shape[2], 0), value=seen)
        return plain(module, query, keys, values, attention_mask, **more)

    forward.without_prefix = plain
    return forward


def disentangled_with_prefix(module, prefix, hidden_states, attention_mask, output_attentions=False, **more):
    """DeBERTa's attention with keys and values in front of its own, at no distance from any token."""
    batch, heads = len(hidden_states), module.num_attention_heads
    projections = (module.query_proj, module.key_proj, module.value_proj)
    query, key, value = (module.transpose_for_scores(projection(hidden_states), heads) for projection in projections)
    scale_factor = 1 + ("c2p" in module.pos_att_type) + ("p2c" in module.pos_att_type)
    distances = module.pos_dropout(more["rel_embeddings"])
    bias = module.disentangled_attention_bias(query, key, more["relative_pos"], distances, scale_factor)
    sides = [side.repeat(batch, 1, 1) for side in prefix()]  # as the library's own: [batch * heads, length, d_kv]
    keys, values = (torch.cat(pair, dim=1) for pair in zip(sides, (key, value)))
    scores = query @ keys.transpose(1, 2) / (query.shape[-1] * scale_factor) ** 0.5
    scores = scores + torch.nn.functional.pad(bias, (sides[0].shape[1], 0))
    mask = torch.nn.functional.pad(attention_mask.bool(), (sides[0].shape[1], 0), value=True)
    scores = scores.unflatten(0, (batch, heads)).masked_fill(~mask, torch.finfo(query.dtype).min)
    attended = module.dropout(scores.softmax(-1)).flatten(0, 1) @ values
    return attended.unflatten(0, (batch, heads)).transpose(1, 2).flatten(2), None


def attach_prompt(model, prompt):
    """Puts `prompt()` [length, d] behind the first token of each row, as the embeddings leave it → hooks."""
    base = model.base_model

    def join(_embeddings, _args, embedded):
        vectors = prompt().expand(len(embedded), -1, -1)
        return torch.cat([embedded[:, :1], vectors, embedded[:, 1:]], dim=1)

    def without_prompt(_embeddings, args, more):  # DeBERTa's embeddings read the mask
        if more.get("mask") is not None:
            more["mask"] = more["mask"][:, len(prompt()) :]
        return args, more

    def count_prompt(_rotations, args):  # ModernBERT counts positions before
        states, _positions, *more = args
        return states, torch.arange(states.shape[1])[None], *more

    hooks = [
        base.embeddings.register_forward_pre_hook(without_prompt, with_kwargs=True),
        base.embeddings.register_forward_hook(join),
    ]
    if hasattr(base, "rotary_emb"):
        hooks.append(base.rotary_emb.register_forward_pre_hook(count_prompt))
    return hooks


def with_prompt(trained, batch):
    """A batch whose mask covers the prompt too, where one is trained: no row's first token is padding."""
    if "prompt" not in trained:
        return batch
    mask = batch["attention_mask"]
    return batch | {"attention_mask": torch.cat([mask.new_ones(len(mask), len(trained["prompt"])), mask], dim=1)}


def tables(model):
    """An encoder's tables of embeddings."""
    embeddings = model.base_model.embeddings.modules() if is_encoder(model) else []
    return [module for module in embeddings if isinstance(module, torch.nn.Embedding)]
