"""Beam search by transformers: python test/oracle/beams.py

Writes test/fixtures/<backbone>/beams.json: sources as lists of ids, and for each number of beams the ids that
`generate(num_beams=…)` gives for each source by itself, without the start token, </s> and padding. Sources are drawn until
each number of beams has rows that end early, rows that are cut off and rows that differ from greedy decoding. Rows whose best
two outputs score nearly alike are left out: rounding chooses there.
"""

import json

import torch
from transformers import T5ForConditionalGeneration

import backbone

BEAMS = [1, 2, 3, 5]
LONGEST = 8
ROWS = 12
TRIED = 400
LEAST_GAP = 1e-3


@torch.no_grad()
def searched(model, source, beams):
    """The best output's ids, and how far its score is from the second's."""
    found = model.generate(
        torch.tensor([source]),
        num_beams=beams,
        num_return_sequences=min(beams, 2),
        max_new_tokens=LONGEST,
        do_sample=False,
        output_scores=True,
        return_dict_in_generate=True,
    )
    ids = found.sequences[0, 1:].tolist()
    ids = ids[: ids.index(1)] if 1 in ids else ids
    if beams == 1:
        return ids, float("inf")
    best, second = found.sequences_scores.tolist()
    return ids, best - second


def build(folder):
    model = T5ForConditionalGeneration.from_pretrained(backbone.FIXTURES / folder).eval()
    generator = torch.Generator().manual_seed(0)
    early, cut = [], []
    for _ in range(TRIED):
        length = torch.randint(2, 12, (1,), generator=generator).item()
        source = torch.randint(2, model.config.vocab_size, (length,), generator=generator).tolist() + [1]
        results = [searched(model, source, beams) for beams in BEAMS]
        if min(gap for _, gap in results) < LEAST_GAP:
            continue
        outputs = [ids for ids, _ in results]
        differ = any(ids != outputs[0] for ids in outputs[1:])
        kind = early if any(len(ids) < LONGEST for ids in outputs[1:]) else cut
        if differ and len(kind) < ROWS // 2:
            kind.append((source, outputs))
    rows = early + cut
    assert len(early) > 2 and len(cut) > 2, (len(early), len(cut))
    case = {
        "longest": LONGEST,
        "sources": [source for source, _ in rows],
        "outputs": {str(beams): [outputs[i] for _, outputs in rows] for i, beams in enumerate(BEAMS)},
    }
    target = backbone.FIXTURES / folder / "beams.json"
    target.write_text(json.dumps(case) + "\n")
    print(f"{folder}: {len(early)} rows that end early, {len(cut)} cut off")
    for beams in BEAMS:
        print(beams, case["outputs"][str(beams)])


if __name__ == "__main__":
    torch.set_num_threads(1)
    for folder in backbone.VERSIONS:
        build(folder)
