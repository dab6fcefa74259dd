"""What exported SavedModels give in Python's TensorFlow.

    python test/oracle/saved_model.py BATCHES.json FOLDER… > outputs.json

BATCHES.json holds a list of batches, each with `source_ids` and `attention_mask` [rows, length]. Prints for each folder its variables'
names, its signatures, and for each batch `output_ids` and `hidden_states` as the signatures give them.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf  # noqa: E402


def outputs_of(model, batches):
    decode, encode = model.signatures["serving_default"], model.signatures["encode"]
    inputs = [{name: tf.constant(values, tf.int32) for name, values in batch.items()} for batch in batches]
    return {
        "variables": sorted(variable.name for variable in model.variables),
        "signatures": sorted(model.signatures),
        "output_ids": [decode(**batch)["output_ids"].numpy().tolist() for batch in inputs],
        "hidden_states": [encode(**batch)["hidden_states"].numpy().tolist() for batch in inputs],
    }


def main(batches, *folders):
    with open(batches) as file:
        batches = json.load(file)
    models = [tf.saved_model.load(folder) for folder in folders]  # at once: variables of one name are not one variable
    json.dump([outputs_of(model, batches) for model in models], sys.stdout)


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(1)
    main(*sys.argv[1:])
