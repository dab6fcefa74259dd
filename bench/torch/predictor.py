"""Generates for rows sorted by length, in batches, for bench/predict.bench.ts.

usage: predictor.py SPEC.json
SPEC.json holds {"backbone": folder, "method": {…}, "tensors": the run's file, "sources": file of JSON texts, a line each,
"output": file to write, "batch_size", "source_length", "new_tokens", "precision"}. Decoding is greedy; bfloat16 is
autocast. Prints one JSON object.
"""

import contextlib
import json
import sys

import torch
from backbone import encode, load, peak_bytes, read_tokenizer


def run(spec):
    tokenizer = read_tokenizer(spec["backbone"])
    model, _ = load(spec["backbone"], spec["method"], spec["tensors"])
    model.eval()
    with open(spec["sources"], encoding="utf8") as lines:
        sources = encode(tokenizer, [json.loads(line) for line in lines], spec["source_length"])
    order = sorted(range(len(sources)), key=lambda row: len(sources[row]), reverse=True)
    texts = [""] * len(sources)
    bfloat16 = spec["precision"] == "bfloat16"
    precision = torch.autocast("cpu", dtype=torch.bfloat16) if bfloat16 else contextlib.nullcontext()
    with torch.inference_mode(), precision:
        for start in range(0, len(order), spec["batch_size"]):
            rows = order[start : start + spec["batch_size"]]
            batch = tokenizer.pad({"input_ids": [sources[row] for row in rows]}, return_tensors="pt")
            outputs = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=spec["new_tokens"],
                do_sample=False,
                num_beams=1,
            )
            for row, text in zip(rows, tokenizer.batch_decode(outputs, skip_special_tokens=True)):
                texts[row] = text.strip()
    with open(spec["output"], "w", encoding="utf8") as file:
        file.writelines(f"{text}\n" for text in texts)
    return {"rows": len(texts), "peak_bytes": peak_bytes()}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf8") as specification:
        print(json.dumps(run(json.load(specification))))
