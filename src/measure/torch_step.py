"""Times training steps of a method in PyTorch, for `compacter bench --against torch`.

usage: torch_step.py --versions | torch_step.py '{"backbone": {…config.json…}, "method": {…}, "batch_size": 32, …}'
The model is transformers' with random weights; what a method adds enters by forward hooks, as its authors' code does
it, and an encoder's head is trained with every method. Prints one JSON object. bfloat16 is autocast; with
"frozen_bfloat16" frozen matrices are also kept in it, so that they are there once and no step converts them.
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import resource
import sys
import time

import torch
import transformers

sys.dont_write_bytecode = True  # an installed package's folder stays as it was
import torch_encoders  # noqa: E402
import torch_methods  # noqa: E402
import torch_models  # noqa: E402

SMALL = 0.1  # of the tensors that the oracle draws: nothing is to overflow in a backbone of random weights


def leaves(options, model):
    """→ {name: tensor} that the hooks read, [tensor] that is trained: an encoder's head too."""
    head = [model.get_parameter(name) for name in torch_encoders.head_names(model)]
    added, trained = {}, {id(tensor): tensor for tensor in head}
    for part in options["methods"] if options["kind"] == "union" else [options]:
        own, moved = leaves_of_one(part, model)
        added |= own
        trained |= {id(tensor): tensor for tensor in moved}  # what two methods unfreeze is one tensor
    model.requires_grad_(False)
    return added, [tensor.requires_grad_() for tensor in trained.values()]


def leaves_of_one(options, model):
    """As `leaves`, of one method."""
    if options["kind"] not in torch_methods.TENSORS:
        return {}, peft_leaves(options, model)
    initial = torch_methods.tensors(options, model, torch.Generator().manual_seed(0))
    of_backbone = dict(model.named_parameters())
    fixed = torch_methods.fixed_names(options, initial)
    added = {name: SMALL * value for name, value in initial.items() if name not in of_backbone}
    moved = [of_backbone[name] for name in initial if name in of_backbone]
    return added, [*(value for name, value in added.items() if name not in fixed), *moved]


def peft_leaves(options, model):
    """Puts peft's own layers into the model → [tensor] that is trained."""
    import peft_methods  # here: only these methods need peft

    unfrozen = torch_methods.unfrozen_names(options, model)
    trained = [model.get_parameter(name) for name in unfrozen]
    peft_methods.inject(options, model)
    return trained + [model.get_parameter(name) for name in peft_methods.renamed(model).values()]


def keep_frozen_in_bfloat16(model):
    """Converts the matrices that are not trained. What an encoder's tables give is float32, as the sums of its layers are."""
    for weight in model.parameters():
        if not weight.requires_grad and weight.dim() > 1:
            weight.data = weight.data.bfloat16()
    for table in torch_encoders.tables(model):
        table.register_forward_hook(lambda _table, _args, vectors: vectors.float())


def run(spec):
    torch.set_num_threads(spec["threads"])
    torch.manual_seed(spec["seed"])
    model = torch_models.build(spec)
    added, trained = leaves(spec["method"], model)
    projection = torch_methods.project_by_weight if spec["builds_weight"] else torch_methods.project
    torch_methods.attach(spec["method"], model, added, projection)
    if spec["frozen_bfloat16"]:
        keep_frozen_in_bfloat16(model)
    optimizer = torch.optim.Adam(trained, lr=spec["learning_rate"], fused=True)
    batch = torch_models.batch_of(spec, model)
    times = []
    for _ in range(spec["warm_up"] + spec["steps"]):
        started = time.perf_counter()
        bfloat16 = spec["precision"] == "bfloat16"
        with torch.autocast("cpu", dtype=torch.bfloat16) if bfloat16 else contextlib.nullcontext():
            loss = torch_models.loss_of(model, added, batch)
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
        peft = importlib.metadata.version("peft") if importlib.util.find_spec("peft") else None
        print(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft}))
    else:
        print(json.dumps(run(json.loads(sys.argv[1]))))
