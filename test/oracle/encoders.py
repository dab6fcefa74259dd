"""Small random encoders with their heads, and what PyTorch computes with them: python test/oracle/encoders.py [TYPE …]"""

import json
import sys
from collections import ChainMap

import torch
from safetensors.torch import save_file
from torch.func import functional_call
from torch.nn import functional as F
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    RobertaConfig,
    XLMRobertaConfig,
)
from transformers.utils.logging import set_verbosity_error

import methods
import peft_methods
from backbone import FIXTURES
from cases import FEED_FORWARD, adapter, compacter, ia3, lora, prefixes
from generate import check_kron, relative, seed_of
from torch_methods import names
import torch_encoders
from training import STEPS, rate

LABELS, ROWS, LENGTH = 7, 10, 11
CLS, SEP, FIRST = 2, 3, 8
IGNORED = -100  # as transformers leaves pieces out of the loss
BERT = dict(
    vocab_size=97,
    hidden_size=24,
    num_attention_heads=4,
    num_hidden_layers=3,
    intermediate_size=40,
    max_position_embeddings=19,
    num_labels=LABELS,
)
DISTILBERT = dict(
    vocab_size=97,
    dim=24,
    n_heads=4,
    n_layers=3,
    hidden_dim=40,
    max_position_embeddings=19,
    pad_token_id=5,
    num_labels=LABELS,
)
CONFIGS = {
    "bert": BertConfig(**BERT),
    "roberta": RobertaConfig(**BERT, type_vocab_size=1, layer_norm_eps=1e-5),
    "xlm-roberta": XLMRobertaConfig(**BERT, type_vocab_size=1, layer_norm_eps=1e-5, hidden_act="gelu_new"),
    "electra": ElectraConfig(**BERT, embedding_size=14, pad_token_id=6),
    "distilbert": DistilBertConfig(**DISTILBERT),
    "modernbert": ModernBertConfig(
        **BERT,
        global_attn_every_n_layers=2,
        local_attention=12,  # so wide that every query sees a token: transformers gives NaN for one that does not
        classifier_pooling="mean",
        **dict(pad_token_id=5, bos_token_id=CLS, cls_token_id=CLS, eos_token_id=SEP, sep_token_id=SEP),
    ),
}
DEBERTA = dict(
    **BERT,
    relative_attention=True,
    pos_att_type=["p2c", "c2p"],
    position_buckets=6,  # so that the larger distances of a row share one
    pad_token_id=5,
)
CONFIGS |= {
    "deberta-v2": DebertaV2Config(**DEBERTA, share_att_key=True, norm_rel_ebd="layer_norm", position_biased_input=False),
    "deberta-v2-own": DebertaV2Config(**DEBERTA, type_vocab_size=2),
}
CLASSES = {
    "sequence": AutoModelForSequenceClassification,
    "tokens": AutoModelForTokenClassification,
    "choice": AutoModelForMultipleChoice,
}
NONE = {"kind": "none"}
CASES = {
    "sequence": (NONE, 1e-2),
    "tokens": (NONE, 1e-2),
    "choice": (NONE, 1e-2),
    "full": ({"kind": "full"}, 3e-3),
    "bitfit": ({"kind": "bitfit"}, 1e-2),
    "compacter": (compacter(3, 2, 2), 1e-2),
    "adapter": (adapter(3), 1e-2),
    "lora": (lora(2, 3, ["q", "v"]), 1e-2),
    "prefix-tuning": (prefixes(5, 7), 1e-2),
    "tokens-compacter": (compacter(2, 3, 1), 1e-2),
    "tokens-lora": (lora(3, 2, ["k", "o"]), 1e-2),
}
ON_BERT = {
    "parallel-adapter": (adapter(2, FEED_FORWARD, arrangement="parallel", scale=4, train_layer_norms=False), 3e-3),
    "dora": (lora(2, 3, ["k", "wo"], magnitudes=True), 1e-2),
    "ia3": (ia3(["k", "v", "wo"], ["wo"]), 1e-2),
    "layer-norm-tuning": ({"kind": "layer_norm_tuning"}, 1e-2),
    "prefix-tuning-stored": (prefixes(4, "none"), 1e-2),
}
PROMPT = {"prompt-tuning": ({"kind": "prompt_tuning", "length": 3}, 1e-2)}
FUSED = {"lora": (lora(2, 3, ["qkv", "wo"]), 1e-2), "tokens-lora": (lora(3, 2, ["qkv", "o"]), 1e-2)}
MORE = {"bert": ON_BERT | PROMPT, "deberta-v2": PROMPT, "modernbert": FUSED | PROMPT}


def cases_of(model_type):
    if model_type == "deberta-v2-own":  # products of its own for distances
        return {name: CASES[name] for name in ("sequence", "full", "lora")}
    return CASES | MORE.get(model_type, {})


def kind_of(name):
    kind = name.split("-")[0]
    return kind if kind in CLASSES else "sequence"


def batch_of(config):
    """Pairs `CLS a SEP b SEP`, their token types where the model has two, and a label for each row and each token."""
    generator = torch.Generator().manual_seed(seed_of(config.model_type, "batch"))

    def drawn(low, high, *shape):
        return torch.randint(low, high, shape, generator=generator, dtype=torch.int32)

    ids = torch.full((ROWS, LENGTH), config.pad_token_id, dtype=torch.int32)
    mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, length in enumerate([11, 7, 9, 5, 8, 10, 6, 11, 7, 9]):
        first = 2 + length // 3
        ids[row, :length] = drawn(FIRST, config.vocab_size, length)
        ids[row, 0], ids[row, first], ids[row, length - 1] = CLS, SEP, SEP
        mask[row, :length], types[row, first + 1 : length] = 1, 1
    batch = {"input_ids": ids, "attention_mask": mask}
    if getattr(config, "type_vocab_size", 0) > 1:
        batch["token_type_ids"] = types
    labels = {"sequence": drawn(0, LABELS, ROWS), "tokens": drawn(0, LABELS, ROWS, LENGTH), "choice": drawn(0, 2, ROWS // 2)}
    labels["tokens"][(mask == 0) | (drawn(0, 3, ROWS, LENGTH) == 0)] = IGNORED  # padding, and pieces inside a word
    return batch, labels


def spread(name, shape):
    """(centre, standard deviation) of a tensor, so that activations are O(1) and attention is not flat."""
    if torch_encoders.NORM.search(name):
        return (1.0, 0.2) if name.endswith(".weight") else (0.0, 0.2)
    if name.endswith(".bias"):
        return 0.0, 0.2
    return 0.0, 0.7 if "embeddings." in name else 1.2 * shape[-1] ** -0.5


def write_tiny(model_type):
    """The backbone, with its pooler where it has one, and a head that is to be left aside."""
    config = CONFIGS[model_type]
    kind = "choice" if model_type in ("roberta", "xlm-roberta") else "sequence"  # the one with the pooler
    model = CLASSES[kind].from_config(config)
    generator = torch.Generator().manual_seed(seed_of(model_type))
    with torch.no_grad():
        for name in sorted(dict(model.named_parameters())):
            weight = model.get_parameter(name)
            centre, std = spread(name, weight.shape)
            weight.copy_(centre + std * torch.randn(weight.shape, generator=generator))
    model.save_pretrained(FIXTURES / f"{model_type}-tiny")


def load(model_type, kind, dtype):
    """The frozen backbone without dropout, with a random head."""
    folder = FIXTURES / f"{model_type}-tiny"
    torch.manual_seed(0)
    more = {"ignore_mismatched_sizes": True, "attn_implementation": "eager", "dtype": dtype}
    model = CLASSES[kind].from_pretrained(folder, **more)
    return model.eval().requires_grad_(False)


class Model:
    """As training.Model, with a head that is trained too."""

    def __init__(self, options, model, initial):
        dtype = next(model.parameters()).dtype
        self.options, self.model = options, model
        self.trained = {name: value.detach().clone().to(dtype).requires_grad_() for name, value in initial.items()}
        methods.attach(options, model, ChainMap(self.trained))

    def logits(self, batch, kind):
        batch = torch_encoders.with_prompt(self.trained, {key: value.long() for key, value in batch.items()})
        if kind == "choice":
            batch = {key: value.unflatten(0, (-1, 2)) for key, value in batch.items()}
        own = dict(self.model.named_parameters())
        by_peft = peft_methods.renamed(self.model)
        weights = {by_peft.get(name, name): value for name, value in self.trained.items() if by_peft.get(name, name) in own}
        return functional_call(self.model, weights, (), batch).logits

    def step(self, batch, labels, kind):
        """→ logits, loss, {name: gradient}"""
        logits = self.logits(batch, kind)
        labels = labels[kind].long()
        loss = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED)
        gradients = torch.autograd.grad(loss, list(self.trained.values()), allow_unused=True)
        filled = [torch.zeros_like(v) if g is None else g for v, g in zip(self.trained.values(), gradients)]
        return logits.detach(), loss.detach(), dict(zip(self.trained, filled))


def train(model, batch, labels, kind, learning_rate):
    """As training.train."""
    adam = torch.optim.Adam(model.trained.values(), betas=(0.9, 0.999), eps=1e-8, foreach=False)
    losses = []
    for k in range(STEPS):
        _, loss, gradients = model.step(batch, labels, kind)
        for name, leaf in model.trained.items():
            leaf.grad = gradients[name].clone()
        torch.nn.utils.clip_grad_norm_(model.trained.values(), 1.0)
        losses.append(loss)
        adam.param_groups[0]["lr"] = rate(k, learning_rate)
        adam.step()
    return torch.stack(losses), {k: v.detach().clone() for k, v in model.trained.items()}


def initial_of(options, model, generator):
    drawn = methods.tensors(options, model, generator)
    if options["kind"] == "full":
        drawn = {name: value for name, value in drawn.items() if name in names(model)}
    head = {}
    for name in torch_encoders.head_names(model):
        shape = model.get_parameter(name).shape
        centre, std = spread(name, shape)
        head[name] = centre + std * torch.randn(shape, generator=generator)
    return drawn | head


def ill_conditioned(name, kind):
    """A key's bias moves all scores of a query alike, those of a choice's head all choices: their gradients are rounding."""
    of_choices = kind == "choice" and name in ("classifier.bias", "pre_classifier.bias")
    return name.endswith((".key.bias", ".k_lin.bias", ".pos_key_proj.bias")) or of_choices


def build(model_type, name, options, learning_rate):
    kind = kind_of(name)
    batch, labels = batch_of(CONFIGS[model_type])
    for attempt in range(10):
        generator = torch.Generator().manual_seed(seed_of(model_type, name) + attempt)
        initial = initial_of(options, load(model_type, kind, torch.float32), generator)
        made = [Model(options, load(model_type, kind, dtype), initial) for dtype in (torch.float32, torch.float64)]
        (logits, loss, gradients), (exact_logits, _, exact) = (model.step(batch, labels, kind) for model in made)
        noise = [key for key in initial if ill_conditioned(key, kind)]
        sound = [key for key in initial if key not in noise]
        (losses, after), (_, exact_after) = (train(model, batch, labels, kind, learning_rate) for model in made)
        deviation = {
            "logits": relative(logits, exact_logits),
            "gradient": max(relative(gradients[key], exact[key]) for key in sound),
            "after10": max(relative(after[key], exact_after[key]) for key in sound),
        }
        assert deviation["logits"] < 1e-5 and deviation["gradient"] < 3e-5, (name, deviation)
        if deviation["after10"] < 1e-5:
            break
    assert deviation["after10"] < 3e-4, (name, deviation)
    if options["kind"] in methods.ADAPTERS:
        check_kron(options, initial, name)
    saved = {**batch, "labels": labels[kind], "logits": logits.flatten(0, -2), "loss": loss, "losses10": losses}
    for prefix, group in (("trained", initial), ("gradient", gradients), ("after10", after)):
        saved |= {f"{prefix}/{key}": value for key, value in group.items()}
    case = {"method": options, "head": kind, "labels": LABELS, "learning_rate": learning_rate, "ill_conditioned": noise}
    path = FIXTURES / f"{model_type}-tiny" / f"{name}.safetensors"
    save_file({k: v.contiguous() for k, v in saved.items()}, path, {"case": json.dumps(case)})
    path.chmod(0o644)
    print(f"{model_type}/{name}: {path.stat().st_size} bytes, loss {loss:.4f} → {losses[-1]:.4f}", deviation)


def main(wanted):
    torch.set_num_threads(1)
    set_verbosity_error()
    for model_type in wanted or CONFIGS:
        write_tiny(model_type)
        for name, (options, learning_rate) in cases_of(model_type).items():
            build(model_type, name, options, learning_rate)


if __name__ == "__main__":
    main(sys.argv[1:])
