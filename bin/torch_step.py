"""Times training steps of a method in PyTorch, for `compacter bench --against torch`.

usage: torch_step.py --versions | torch_step.py '{"backbone": {…config.json…}, "method": {…}, "batch_size": 32, …}'
The T5 is transformers' with random weights; what a method adds enters by forward hooks, as its authors' code does it.
Prints one JSON object. bfloat16 is autocast.
"""

import contextlib
import json
import resource
import sys
import time

import torch
import transformers
from torch.nn import functional as F

ACTIVATIONS = {
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "relu": F.relu,
    "swish": F.silu,
}
SUBLAYERS = {"attention": "SelfAttention", "cross_attention": "EncDecAttention", "feed_forward": "DenseReluDense"}


def parameter(*shape, std=0.01):
    return torch.nn.Parameter(std * torch.randn(*shape))


class LowRank(torch.nn.Module):
    """y = x s t + b."""

    def __init__(self, inputs, outputs, rank):
        super().__init__()
        self.s, self.t, self.b = parameter(inputs, rank), parameter(rank, outputs), parameter(outputs)

    def forward(self, x):
        return x @ self.s @ self.t + self.b


class Hypercomplex(torch.nn.Module):
    """y = xW + b with W = Σᵢ Aᵢ ⊗ Bᵢ built in each step, as rabeehk/compacter builds it."""

    def __init__(self, outputs, rules, blocks):
        super().__init__()
        self.rules, self.blocks, self.b = rules, blocks, parameter(outputs)

    def forward(self, x):
        a, b = product(self.rules), product(self.blocks)
        n, p, q = b.shape
        kron = torch.einsum("iac,ipq->apcq", a, b).reshape(a.shape[1] * p, a.shape[2] * q)
        return x @ kron + self.b


def product(factors):
    return torch.bmm(*factors) if len(factors) == 2 else factors[0]


def factored(n, inputs, outputs, rank, whole):
    shapes = [(n, inputs, outputs)] if whole else [(n, inputs, rank), (n, rank, outputs)]
    return torch.nn.ParameterList([parameter(*shape, std=0.1) for shape in shapes])


class Adapter(torch.nn.Module):
    """s → s + up(activation(down(s))), with layer norms of its own where the options say so."""

    def __init__(self, width, options, make):
        super().__init__()
        norms = options["layer_norm"]
        bottleneck = width // options["reduction_factor"]
        self.before = torch.nn.LayerNorm(width) if norms in ("before", "both") else torch.nn.Identity()
        self.after = torch.nn.LayerNorm(width) if norms in ("after", "both") else torch.nn.Identity()
        self.down, self.up = make("down", width, bottleneck), make("up", bottleneck, width)
        self.activation = ACTIVATIONS[options["nonlinearity"]]

    def forward(self, s):
        return s + self.after(self.up(self.activation(self.down(self.before(s)))))


def projections(options):
    """The function that makes an adapter's projection, with the tensors that all of them share."""
    if options["kind"] == "adapter":
        if options["factors"] == "low_rank":
            return lambda _part, inputs, outputs: LowRank(inputs, outputs, options["rank"])
        return lambda _part, inputs, outputs: torch.nn.Linear(inputs, outputs)
    n, rank = options["n"], options["rank"]
    shared = {}

    def rules():
        made = factored(n, n, n, rank, options["rule_factors"] == "full")
        return made.requires_grad_(options["learn_rule"])

    def blocks(inputs, outputs):
        return factored(n, inputs // n, outputs // n, rank, options["factors"] == "full")

    def make(part, inputs, outputs):
        own_rule, own_blocks = options["rule"] == "own", options["blocks"] == "own"
        if "rule" not in shared or own_rule:
            shared["rule"] = rules()
        if part not in shared or own_blocks:
            shared[part] = blocks(inputs, outputs)
        return Hypercomplex(outputs, shared["rule"], shared[part])

    return make


def layer_numbers(layers, count):
    """`all`, [0, 3], '5-11' or '5-'."""
    if layers == "all":
        return range(count)
    if isinstance(layers, list):
        return layers
    first, last = layers.split("-")
    return range(int(first), int(last) + 1 if last else count)


def sites(placement, model):
    """The modules whose output an adapter follows."""
    for stack in ("encoder", "decoder"):
        blocks = getattr(model, stack).block
        for i in layer_numbers(placement[f"{stack}_layers"], len(blocks)):
            for sublayer in placement["sublayers"]:
                for layer in blocks[i].layer:
                    if hasattr(layer, SUBLAYERS[sublayer]):
                        yield getattr(layer, SUBLAYERS[sublayer])


def on_output(change):
    """A forward hook: attention gives a tuple, whose first part it is."""

    def hook(_module, _inputs, output):
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    return hook


def attach_adapters(options, model):
    make = projections(options)
    adapters = []
    for module in list(sites(options["placement"], model)):
        adapter = Adapter(model.config.d_model, options, make)
        module.register_forward_hook(on_output(adapter))
        adapters.append(adapter)
    unfrozen = [
        weight
        for name, weight in model.named_parameters()
        if (options["train_layer_norms"] and "layer_norm" in name)
        or (options["train_lm_head"] and weight is model.lm_head.weight)
    ]
    own = torch.nn.ModuleList(adapters).parameters()
    return [*(weight for weight in own if weight.requires_grad), *(weight.requires_grad_() for weight in unfrozen)]


def has_bias(name, biases):
    kinds = {"SelfAttention": "attention", "EncDecAttention": "cross_attention", "DenseReluDense": "feed_forward"}
    parts = name.split(".")
    if parts[-1] in ("lm_head", "layer_norm"):
        return parts[-1] in biases
    return len(parts) > 1 and kinds.get(parts[-2]) in biases


def attach_bitfit(options, model):
    biases = []
    for name, module in model.named_modules():
        if not has_bias(name, options["biases"]) or not hasattr(module, "weight"):
            continue
        if "relative_attention_bias" in name:
            continue
        bias = parameter(module.weight.shape[0])
        module.register_forward_hook(lambda _module, _inputs, output, bias=bias: output + bias)
        biases.append(bias)
    return biases


def attach_prompt(options, model):
    prompt = parameter(options["length"], model.config.d_model)

    def prepend(_module, args, kwargs):
        embedded, mask = model.shared(kwargs.pop("input_ids")), kwargs["attention_mask"]
        rows = prompt.expand(len(embedded), -1, -1)
        kwargs["inputs_embeds"] = torch.cat([rows, embedded], dim=1)
        kwargs["attention_mask"] = torch.cat([mask.new_ones(rows.shape[:2]), mask], dim=1)
        return args, kwargs

    model.encoder.register_forward_pre_hook(prepend, with_kwargs=True)
    return [prompt]


def attach_full(_options, model):
    return list(model.requires_grad_(True).parameters())


ATTACH = {
    "full": attach_full,
    "adapter": attach_adapters,
    "compacter": attach_adapters,
    "bitfit": attach_bitfit,
    "prompt_tuning": attach_prompt,
}


def ids(rows, length, vocabulary):
    return (2 + torch.arange(rows * length) * 7919 % (vocabulary - 2)).reshape(rows, length)


def loss_of(model, source, target):
    """Mean cross-entropy under teacher forcing; the mask of the source goes along as for padded rows."""
    mask = torch.ones_like(source)
    if not hasattr(model, "prompt_length"):
        return model(input_ids=source, attention_mask=mask, labels=target).loss
    encoded = model.encoder(input_ids=source, attention_mask=mask)
    mask = torch.ones(encoded.last_hidden_state.shape[:2], dtype=mask.dtype)
    return model(encoder_outputs=encoded, attention_mask=mask, labels=target).loss


def run(spec):
    torch.set_num_threads(spec["threads"])
    torch.manual_seed(spec["seed"])
    model = transformers.T5ForConditionalGeneration(transformers.T5Config(**spec["backbone"]))
    if spec["own_head"]:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.shared.weight))
    model.requires_grad_(False).train()
    trained = ATTACH[spec["method"]["kind"]](spec["method"], model)
    if spec["method"]["kind"] == "prompt_tuning":
        model.prompt_length = spec["method"]["length"]
    optimizer = torch.optim.Adam(trained, lr=spec["learning_rate"])
    vocabulary = spec["backbone"]["vocab_size"]
    source, target = (ids(spec["batch_size"], spec[f"{side}_length"], vocabulary) for side in ("source", "target"))
    times = []
    for _ in range(spec["warm_up"] + spec["steps"]):
        started = time.perf_counter()
        bfloat16 = spec["precision"] == "bfloat16"
        with torch.autocast("cpu", dtype=torch.bfloat16) if bfloat16 else contextlib.nullcontext():
            loss = loss_of(model, source, target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, spec["gradient_clip_norm"])
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        times.append(1000 * (time.perf_counter() - started))
    return {
        "trained_parameters": sum(weight.numel() for weight in trained),
        "times": times[spec["warm_up"] :],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    if sys.argv[1] == "--versions":
        print(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__}))
    else:
        print(json.dumps(run(json.loads(sys.argv[1]))))
