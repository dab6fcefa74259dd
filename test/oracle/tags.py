"""Writes test/fixtures/entities.json: the scores that seqeval's default mode gives random tags of several schemes.

    PYTHONPATH=SEQEVAL python tags.py        (a checkout of chakki-works/seqeval; numpy, scikit-learn)
"""

import json
import os
import random
import warnings

from seqeval.metrics import accuracy_score, classification_report, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

HERE = os.path.dirname(os.path.abspath(__file__))
warnings.filterwarnings("ignore")  # undefined values are what is tested
draw = random.Random(7)

SCHEMES = {"IOB2": "BI", "IOB1": "I", "BIOES": "BIES", "mixed": "BIES"}
TYPES = ["PER", "ORG-GOV", "LOC"]


def well_formed(scheme, length):
    """Tags of whole entities, as an annotator writes them."""
    tags = []
    while len(tags) < length:
        kind, size = draw.choice(TYPES), draw.randint(1, 3)
        if draw.random() < 0.5:
            tags.append("O")
        elif scheme == "BIOES":
            prefixes = ["S"] if size == 1 else ["B"] + ["I"] * (size - 2) + ["E"]
            tags += [f"{prefix}-{kind}" for prefix in prefixes]
        elif scheme == "IOB1":
            touches = tags and tags[-1].endswith(f"-{kind}")
            tags += [f"{'B' if touches else 'I'}-{kind}"] + [f"I-{kind}"] * (size - 1)
        else:
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (size - 1)
    return tags[:length]


def any_tags(scheme, length):
    """Tags in any order, as a model puts them out; some without a type."""
    tags = ["O"] + [f"{prefix}-{kind}" for prefix in SCHEMES[scheme] for kind in TYPES]
    if scheme == "mixed":
        tags += list("BIES")
    return draw.choices(tags, k=length)


def case(scheme, rows, noise):
    lengths = [draw.randint(1, 9) for _ in range(rows)]
    targets = [(any_tags if scheme == "mixed" else well_formed)(scheme, length) for length in lengths]
    predictions = [
        [own if draw.random() > noise else other for own, other in zip(row, any_tags(scheme, len(row)))] for row in targets
    ]
    return scored(scheme, targets, predictions)


def scored(scheme, targets, predictions):
    report = classification_report(targets, predictions, output_dict=True, zero_division=0) if has_entity(targets + predictions) else {}
    return {
        "scheme": scheme,
        "targets": targets,
        "predictions": predictions,
        "entities": [get_entities(row) for row in predictions],
        "f1": f1_score(targets, predictions, zero_division=0),
        "precision": precision_score(targets, predictions, zero_division=0),
        "recall": recall_score(targets, predictions, zero_division=0),
        "accuracy": accuracy_score(targets, predictions),
        "types": {name: scores for name, scores in report.items() if not name.endswith(" avg")},
    }


def has_entity(rows):
    return any(get_entities(row) for row in rows)


def main():
    cases = [case(scheme, rows, noise) for scheme in SCHEMES for rows in (1, 2, 7, 20) for noise in (0, 0.2, 0.6, 1)]
    cases.append(scored("IOB2", [["O", "O"]], [["O", "O"]]))
    for one in cases:
        one["types"] = {name: {key: float(value) for key, value in scores.items()} for name, scores in one["types"].items()}
    path = os.path.join(HERE, "../fixtures/entities.json")
    with open(path, "w") as file:
        json.dump(cases, file, separators=(",", ":"))
        file.write("\n")
    print(len(cases), "cases", os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
