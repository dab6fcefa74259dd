"""A T5 whose padding id is not 0, by transformers: python test/oracle/padding.py

Writes test/fixtures/t5-tiny-padded/: t5-tiny with other weights, pad_token_id 7 and decoder_start_token_id 4; and for each case
of CASES logits, loss, gradients and greedy tokens as `generate.py` writes them, with `attention_mask` and `label_mask` (1 at tokens,
0 at padding) next to the ids. Rows have four lengths, and the padding id is a token of three sources, of one target and of what
is decoded: it is seen and learnt like any other. `ranked` holds the log-likelihoods of rank.py's LABELS, each row alone.
"""

import json

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

import backbone
import methods
import training
from cases import compacter, prefixes
from generate import DECODED, relative, seed_of
from rank import LABELS

FOLDER = "t5-tiny-padded"
PAD, START, EOS = 7, 4, 1
CASES = {
    "full": {"kind": "full"},
    "prompt-tuning": {"kind": "prompt_tuning", "length": 3},
    "prefix-tuning": prefixes(4, 5),
    "compacter": compacter(3, 2, 2),
}
SOURCES = [[30, 7, 41, 9, 88, 23, 1], [7, 52, 33, 7, 1], [61, 12, 1], [90, 3, 7, 18, 45, 1]]
TARGETS = [[17, 7, 88, 63, 1], [25, 40, 1], [2, 1], [71, 5, 9, 1]]


def padded(rows):
    """→ ids and mask [rows, longest], int32"""
    width = max(map(len, rows))
    ids = torch.tensor([row + [PAD] * (width - len(row)) for row in rows], dtype=torch.int32)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], dtype=torch.int32)
    return ids, mask


def shift_right(ids):
    return F.pad(ids[:, :-1], (1, 0), value=START)


def step(model, batch):
    """→ logits, loss, {name: gradient}"""
    labels = batch["labels"].long()
    logits = model.logits(batch["input_ids"].long(), shift_right(labels), batch["attention_mask"].long())
    counted = labels.masked_fill(batch["label_mask"] == 0, -100)
    loss = F.cross_entropy(logits.flatten(0, 1), counted.flatten(), ignore_index=-100)
    gradients = torch.autograd.grad(loss, list(model.trained.values()))
    return logits.detach(), loss.detach(), dict(zip(model.trained, gradients))


@torch.no_grad()
def greedy(model, batch):
    """→ ids [batch, DECODED] without the start token, PAD after </s>; and the smallest gap between best and second."""
    source, mask = batch["input_ids"].long(), batch["attention_mask"].long()
    ids = torch.full((len(source), 1), START)
    ended, gap = torch.zeros(len(source), dtype=torch.bool), float("inf")
    for _ in range(DECODED):
        top = model.logits(source, ids, mask)[:, -1].topk(2)
        gap = min([gap, *(top.values[:, 0] - top.values[:, 1])[~ended].tolist()])
        ids = torch.cat([ids, top.indices[:, :1].masked_fill(ended[:, None], PAD)], dim=1)
        ended |= ids[:, -1] == EOS
    return ids[:, 1:], gap


@torch.no_grad()
def log_likelihood(model, source, candidate):
    """ln p(candidate | source): lists of ids, </s> last; nothing is padded."""
    labels = torch.tensor([candidate])
    mask = torch.ones(1, len(source), dtype=torch.long)
    logits = model.logits(torch.tensor([source]), shift_right(labels), mask)
    return logits.log_softmax(-1)[0, torch.arange(len(candidate)), labels[0]].sum()


def check_bare(batch, logits, loss, gradients, ids):
    """T5ForConditionalGeneration itself gives the same, with -100 where a label is padding."""
    model = backbone.load(FOLDER).requires_grad_(True)
    source, mask = batch["input_ids"].long(), batch["attention_mask"].long()
    labels = batch["labels"].long().masked_fill(batch["label_mask"] == 0, -100)
    own = model(input_ids=source, attention_mask=mask, labels=labels)
    assert relative(own.logits, logits) < 1e-6 and abs(own.loss - loss) < 1e-6
    own.loss.backward()
    for name, weight in model.named_parameters():
        assert relative(weight.grad, gradients[name]) < 2e-5, name
    written = model.generate(
        input_ids=source, attention_mask=mask, max_new_tokens=DECODED, do_sample=False, num_beams=1
    )[:, 1:]
    assert torch.equal(F.pad(written, (0, DECODED - written.shape[1]), value=PAD), ids)


def build(name, options, batch):
    for attempt in range(20):
        generator = torch.Generator().manual_seed(seed_of(FOLDER, name) + attempt)
        initial = methods.tensors(options, backbone.load(FOLDER), generator)
        model = training.Model(options, backbone.load(FOLDER), initial)
        ids, gap = greedy(model, batch)
        if gap > 2e-3:
            break
    exact = training.Model(options, backbone.load(FOLDER, torch.float64), initial)
    logits, loss, gradients = step(model, batch)
    exact_logits, _, exact_gradients = step(exact, batch)
    if options["kind"] == "full":
        check_bare(batch, logits, loss, gradients, ids)
    deviation = {
        "logits": relative(logits, exact_logits),
        "gradient": max(relative(gradients[key], exact_gradients[key]) for key in initial),
    }
    assert max(deviation.values()) < 2e-5 and gap > 2e-3, (deviation, gap)
    scores = torch.stack([log_likelihood(model, source, label) for source in SOURCES for label in LABELS])
    saved = {**batch, "logits": logits, "loss": loss, "greedy": ids.int(), "ranked": scores}
    for prefix, group in (("trained", initial), ("gradient", gradients)):
        saved |= {f"{prefix}/{key}": value for key, value in group.items()}
    case = {"method": options, "learning_rate": 0, "ill_conditioned": [], "candidates": LABELS}
    path = backbone.FIXTURES / FOLDER / f"{name}.safetensors"
    save_file({k: v.contiguous() for k, v in saved.items()}, path, {"case": json.dumps(case)})
    for file in path.parent.glob("*.safetensors"):
        file.chmod(0o644)
    print(f"{name}: {path.stat().st_size} bytes, loss {loss:.4f}, gap {gap:.3f}, {deviation}, greedy {ids.tolist()}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    backbone.allow_float64()
    backbone.write_tiny(FOLDER, 440)  # decoding gives the padding id as a token, and rows end at different steps
    input_ids, attention_mask = padded(SOURCES)
    labels, label_mask = padded(TARGETS)
    batch = {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels, "label_mask": label_mask}
    for name, options in CASES.items():
        build(name, options, batch)
