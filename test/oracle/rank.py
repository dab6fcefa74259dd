"""Log-likelihoods of candidate texts, by transformers: python test/oracle/rank.py

Writes test/fixtures/<backbone>/rank/compacter-n3-rank2.safetensors: backbone, trained tensors and input_ids are those of
the case of that name. Each candidate is a call of its own, on one row without its padding, so that batching, padding and
reuse of the encoder have nothing to agree with but the definition.
"""

import json

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import backbone
import training

CASE = "compacter-n3-rank2"
LABELS = [[5, 1], [17, 40, 1], [17, 41, 88, 63, 9, 1], [2, 1], [1]]  # two with a common start, two lengths alike, </s> alone
OWN_COUNTS = [3, 1, 4, 2]  # candidates of its own a row
LONGEST = 7


@torch.no_grad()
def log_likelihood(model, source, candidate):
    """ln p(candidate | source): source and candidate are lists of ids, </s> last."""
    labels = torch.tensor([candidate])
    logits = model.logits(torch.tensor([source]), training.shift_right(labels))
    return logits.log_softmax(-1)[0, torch.arange(len(candidate)), labels[0]].sum()


def own_candidates(generator):
    """[[candidate]] a row: random tokens 2..96, </s> last."""
    rows = []
    for count in OWN_COUNTS:
        lengths = torch.randint(1, LONGEST, (count,), generator=generator).tolist()
        rows.append([torch.randint(2, 97, (n,), generator=generator).tolist() + [1] for n in lengths])
    return rows


def build(folder):
    path = backbone.FIXTURES / folder / f"{CASE}.safetensors"
    with safe_open(path, "pt") as file:
        options = json.loads(file.metadata()["case"])["method"]
        initial = {k.removeprefix("trained/"): file.get_tensor(k) for k in file.keys() if k.startswith("trained/")}
        sources = [[id for id in row if id] for row in file.get_tensor("input_ids").tolist()]
        greedy = [[id for id in row if id] for row in file.get_tensor("greedy").tolist()]
    model = training.Model(options, backbone.load(folder), initial)
    exact = training.Model(options, backbone.load(folder, torch.float64), initial)
    own = own_candidates(torch.Generator().manual_seed(0))
    # what is decoded, as a candidate of every row: its own is where ranking and decoding have to agree
    shared = LABELS + greedy
    candidates = {"shared": [shared] * len(sources), "own": own}
    saved, deviation = {}, 0.0
    for name, rows in candidates.items():
        scores = [log_likelihood(model, source, c) for source, row in zip(sources, rows) for c in row]
        doubles = [log_likelihood(exact, source, c) for source, row in zip(sources, rows) for c in row]
        deviation = max(deviation, *(abs(a.item() - b.item()) for a, b in zip(scores, doubles)))
        saved[name] = torch.stack(scores)
    assert deviation < 2e-5, deviation
    facts = {"candidates": candidates, "greedy": greedy, "float64_deviation": float(f"{deviation:.2e}")}
    target = backbone.FIXTURES / folder / "rank" / f"{CASE}.safetensors"
    target.parent.mkdir(exist_ok=True)
    save_file(saved, target, {"case": json.dumps(facts)})
    target.chmod(0o644)
    print(f"{folder}: {target.stat().st_size} bytes, deviation {deviation:.1e}")
    print(saved["shared"].view(len(sources), -1), saved["own"])
    print(greedy)


if __name__ == "__main__":
    torch.set_num_threads(1)
    backbone.allow_float64()
    for folder in backbone.VERSIONS:
        build(folder)
