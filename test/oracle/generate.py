"""Writes every fixture of test/fixtures/: python test/oracle/generate.py [CASE …]"""

import json
import random
import sys
import zlib

import torch
from safetensors.torch import save_file

import backbone
import fastfood
import methods
import training
from cases import CASES

# (weights, batch): chosen so that decoding ends early in some rows, not in others, and no choice is nearly a tie.
SEEDS = {"t5-tiny": (17, 15), "t5-tiny-v1_1": (12, 58)}
DECODED = 6


def seed_of(*words):
    return zlib.crc32("/".join(words).encode())


def padded(lengths, width, generator):
    """[rows, width] int32: random tokens 2..96, </s> = 1 last, then padding 0."""
    rows = torch.zeros(len(lengths), width, dtype=torch.int32)
    for row, length in zip(rows, lengths):
        row[: length - 1] = torch.randint(2, backbone.TINY["vocab_size"], (length - 1,), generator=generator)
        row[length - 1] = 1
    return rows


def batch_of(seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        "input_ids": padded([7, 5, 3, 6], 7, generator),
        "labels": padded([5, 3, 2, 4], 5, generator),
    }


def relative(a, b):
    """Largest difference as a share of the tensor's largest entry."""
    return ((a.double() - b.double()).abs().max() / b.double().abs().max().clamp_min(1e-300)).item()


def check_kron(options, initial, name):
    """The factored product equals x·W with W built by torch.kron."""
    for key in [k for k in initial if k.endswith(".bias") and (".down." in k or ".up." in k)]:
        site = key.removesuffix(".bias")
        double = {k: v.double() for k, v in initial.items()}
        weight = methods.weight_by_kron(options, double, site)
        x = torch.randn(5, weight.shape[0], dtype=torch.float64)
        difference = relative(methods.project(options, double, site, x), x @ weight + double[key])
        assert difference < 1e-12, (name, site, difference)


def check_differences(model, batch, gradients, name):
    """Two random entries of the float64 gradient against central differences."""
    chooser = random.Random(seed_of(name))
    for key in chooser.sample([k for k in gradients if not k.endswith(".k.bias")], k=min(2, len(gradients))):
        index = chooser.randrange(gradients[key].numel())
        flat, losses = model.trained[key].data.view(-1), []
        before = flat[index].item()
        for change in (1e-5, -1e-5):
            flat[index] = before + change
            losses.append(training.step(model, batch)[1].item())
        flat[index] = before
        measured, expected = (losses[0] - losses[1]) / 2e-5, gradients[key].reshape(-1)[index].item()
        scale = max(abs(expected), 1e-3 * gradients[key].abs().max().item(), 1e-7)
        assert abs(measured - expected) < 1e-4 * scale, (name, key, index, measured, expected)


def check_bare(model, batch, logits, loss, ids):
    """Our loss and decoding equal those of T5ForConditionalGeneration itself."""
    source, mask = batch["input_ids"].long(), (batch["input_ids"] != 0).long()
    labels = batch["labels"].long().masked_fill(batch["labels"] == 0, -100)
    own = model.backbone(input_ids=source, attention_mask=mask, labels=labels)
    assert relative(own.logits, logits) < 1e-6 and abs(own.loss - loss) < 1e-6
    written = model.backbone.generate(
        input_ids=source, attention_mask=mask, max_new_tokens=DECODED, do_sample=False, num_beams=1
    )[:, 1:]
    assert torch.equal(torch.nn.functional.pad(written, (0, DECODED - written.shape[1])), ids)


def check_full(model, batch, gradients):
    """Gradients of the replaced weights equal autograd's through the model's own, tied parameters."""
    own = dict(model.backbone.requires_grad_(True).named_parameters())
    source, labels = batch["input_ids"].long(), batch["labels"].long()
    logits = model.backbone(
        input_ids=source, attention_mask=(source != 0).long(), decoder_input_ids=training.shift_right(labels)
    ).logits
    expected = torch.autograd.grad(training.cross_entropy(logits, labels), list(own.values()))
    model.backbone.requires_grad_(False)
    assert set(own) == set(gradients)
    for key, value in zip(own, expected):
        assert relative(gradients[key], value) < 1e-12, key


def check_without_prefix(folder, batch):
    """Attention written out, with a prefix of no positions, gives the logits of T5ForConditionalGeneration itself."""
    placement = {"sublayers": ["attention", "cross_attention"], "encoder_layers": "all", "decoder_layers": "all"}
    options = {"kind": "prefix_tuning", "length": 0, "bottleneck": "none", "placement": placement}
    own, bare = backbone.load(folder, torch.float64), backbone.load(folder, torch.float64)
    written = training.Model(options, own, methods.tensors(options, own, torch.Generator()))
    logits = [training.step(model, batch)[0] for model in (written, training.Model({"kind": "none"}, bare, {}))]
    assert relative(*logits) < 1e-12, folder


def check_fastfood(model):
    """Butterflies equal written-out matrices, for a tensor that cuts v and one that pads it."""
    v = model.trained["intrinsic"]
    for name in ("encoder.final_layer_norm.weight", "encoder.block.0.layer.0.SelfAttention.q.weight"):
        drawn = [model.parts[f"{name}/{part}"] for part in ("b", "permutation", "g")]
        size = model.backbone.get_parameter(name).numel()
        assert relative(fastfood.project(v, size, *drawn), fastfood.project_by_matrix(v, size, *drawn)) < 1e-12


def start(name, folder, options, batch):
    """The method with random tensors, drawn again while decoding comes near a tie → model, exact, initial, parts, fixed, ids, gap."""
    for attempt in range(20):
        generator = torch.Generator().manual_seed(seed_of(folder, name) + attempt)
        frozen = backbone.load(folder)
        initial = methods.tensors(options, frozen, generator)
        parts = fastfood.parts(frozen, generator) if options["kind"] == "intrinsic" else {}
        fixed = {key: initial.pop(key) for key in methods.fixed_names(options, initial)}
        model = training.Model(options, frozen, initial, parts, fixed)
        exact = training.Model(options, backbone.load(folder, torch.float64), initial, parts, fixed)
        ids, gap = training.greedy(model, batch["input_ids"], DECODED)
        if gap > 2e-3:
            assert torch.equal(ids, training.greedy(exact, batch["input_ids"], DECODED)[0]), name
            return model, exact, initial, parts, fixed, ids, gap
    raise AssertionError(f"{folder}/{name}: decoding is nearly tied in 20 draws")


def build(name, folder, options, learning_rate, batch):
    model, exact, initial, parts, fixed, ids, gap = start(name, folder, options, batch)
    logits, loss, gradients = training.step(model, batch)
    exact_logits, _, exact_gradients = training.step(exact, batch)
    if options["kind"] == "none":
        check_bare(model, batch, logits, loss, ids)
    if options["kind"] == "full":
        check_full(exact, batch, exact_gradients)
    if options["kind"] == "intrinsic":
        check_fastfood(exact)
    if options["kind"] == "prefix_tuning":
        check_without_prefix(folder, batch)
    if options["kind"] in methods.ADAPTERS:
        check_kron(options, initial | fixed, name)
    if initial and not options.get("magnitudes"):  # DoRA's gradient takes the rows' lengths as constants
        check_differences(exact, batch, exact_gradients, name)

    deviation = {"logits": relative(logits, exact_logits)}
    saved = {**batch, "logits": logits, "loss": loss, "greedy": ids.int()}
    if initial:
        saved["losses10"], saved["norms10"], after = training.train(model, batch, learning_rate)
        _, _, exact_after = training.train(exact, batch, learning_rate)
        noise = [key for key in initial if key.endswith(".k.bias")]
        sound = [key for key in initial if key not in noise]
        deviation["gradient"] = max(relative(gradients[key], exact_gradients[key]) for key in sound)
        moved = {key: (relative(after[key] - initial[key], exact_after[key] - initial[key].double())) for key in sound}
        deviation["after10"] = max(relative(after[key], exact_after[key]) for key in sound)
        deviation["after10_change"] = max(moved.values())
        assert deviation["gradient"] < 2e-5 and deviation["after10"] < 2e-4, deviation
        for prefix, group in (("trained", initial), ("gradient", gradients), ("after10", after)):
            saved |= {f"{prefix}/{key}": value for key, value in group.items()}
    saved |= {f"fastfood/{key}": value for key, value in parts.items()}
    saved |= {f"fixed/{key}": value for key, value in fixed.items()}
    assert deviation["logits"] < 1e-5, deviation
    case = {
        "method": options,
        "learning_rate": learning_rate,
        "ill_conditioned": [key for key in initial if key.endswith(".k.bias")],
        "float64_deviation": {key: float(f"{value:.2e}") for key, value in deviation.items()},
    }
    path = backbone.FIXTURES / folder / f"{name}.safetensors"
    save_file({k: v.contiguous() for k, v in saved.items()}, path, {"case": json.dumps(case)})
    trained = sum(value.numel() for value in initial.values())
    print(
        f"{folder}/{name}: {path.stat().st_size} bytes, {trained} trained, loss {loss:.4f}",
        f"→ {saved['losses10'][-1]:.4f}" if initial else "",
        f"logits std {logits.std():.2f}, greedy gap {gap:.3f}, deviation {deviation}",
    )
    return logits


def main(wanted):
    torch.set_num_threads(1)
    backbone.allow_float64()
    for folder, cases in CASES.items():
        backbone.write_tiny(folder, SEEDS[folder][0])
        batch = batch_of(SEEDS[folder][1])
        bare = None
        for name, (options, learning_rate) in cases.items():
            if wanted and name not in wanted and name != "none":
                continue
            logits = build(name, folder, options, learning_rate, batch)
            bare = logits if bare is None else bare
            effect = (logits - bare).std() / bare.std()
            assert name in ("none", "full", "layer-norm-tuning") or effect > 0.1, (name, effect)
    if not wanted or "t5-small" in wanted:
        import t5_small

        t5_small.write()
    for path in backbone.FIXTURES.glob("t5-*/*.safetensors"):
        path.chmod(0o644)


if __name__ == "__main__":
    main(sys.argv[1:])
