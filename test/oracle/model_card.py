"""Prints as JSON what huggingface_hub reads from the metadata of README.md files; it refuses what is not valid.

    python model_card.py README.md…
"""

import json
import sys

from huggingface_hub import ModelCard

cards = []
for path in sys.argv[1:]:
    card = ModelCard.load(path)
    # Written back, since that checks more: results of a model without a name are refused.
    data = ModelCard(f"---\n{card.data.to_yaml()}\n---\n").data
    results = [
        {key: value for key, value in vars(each).items() if value is not None and key != "verified"}
        for each in data.eval_results or []
    ]
    cards.append({**{key: value for key, value in data.to_dict().items() if key != "model-index"}, "results": results})
print(json.dumps(cards))
