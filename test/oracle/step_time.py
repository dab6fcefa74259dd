"""Time of a training step of a method in PyTorch: t5-small's dimensions (or another preset's), random weights, Adam.

usage: step_time.py '{"backbone": {…T5Config…}, "method": {…}, "batch": 32, "source": 64, "target": 4,
                      "precision": "float32", "steps": 8, "threads": 2, "dropout": 0.1}'
Prints one JSON object: milliseconds of every step, peak resident bytes, version. For bfloat16 it is autocast.
"""

import contextlib
import json
import resource
import sys
import time

import torch
from transformers import T5Config, T5ForConditionalGeneration

import methods

spec = json.loads(sys.argv[1])
torch.set_num_threads(spec["threads"])
torch.manual_seed(0)
model = T5ForConditionalGeneration(T5Config(**spec["backbone"], dropout_rate=spec["dropout"]))
model.requires_grad_(False)
model.train()
generator = torch.Generator().manual_seed(0)
kind = spec["method"]["kind"]
trained = {}
if kind == "full":
    model.requires_grad_(True)
    parameters = list(model.parameters())
elif kind in methods.ADAPTERS:
    trained = {
        name: value
        for name, value in methods.adapter_tensors(spec["method"], model, generator).items()
        if "layer_norm" not in name
    }
    trained = {name: value.requires_grad_() for name, value in trained.items()}
    methods.attach_adapters(spec["method"], model, trained)
    norms = [parameter for name, parameter in model.named_parameters() if "layer_norm" in name]
    for norm in norms if spec["method"].get("train_layer_norms", True) else []:
        norm.requires_grad_(True)
    parameters = [*trained.values(), *norms]
else:
    sys.exit(f"step_time.py has no {kind}")

optimizer = torch.optim.Adam(parameters, lr=1e-3)
vocabulary = spec["backbone"]["vocab_size"]


def ids(rows, length):
    return (2 + torch.arange(rows * length) * 7919 % (vocabulary - 200)).reshape(rows, length)


source, target = ids(spec["batch"], spec["source"]), ids(spec["batch"], spec["target"])
bfloat16 = spec["precision"] == "bfloat16"


def precision():
    return torch.autocast("cpu", dtype=torch.bfloat16) if bfloat16 else contextlib.nullcontext()


times = []
for _ in range(spec["steps"]):
    started = time.perf_counter()
    with precision():
        loss = model(input_ids=source, attention_mask=torch.ones_like(source), labels=target).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    loss.item()
    times.append(1000 * (time.perf_counter() - started))

print(
    json.dumps(
        {
            "torch": torch.__version__,
            "times": times,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
