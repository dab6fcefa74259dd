"""Trains a method with transformers' Seq2SeqTrainer, for bench/training.bench.ts.

usage: trainer.py SPEC.json
SPEC.json holds {"backbone": folder, "method": {…}, "start": file of the trained tensors, "data": folder of train.jsonl,
validation.jsonl and test.jsonl with the fields source and target, "folder": for what the trainer writes, …}.
Batches are padded to their longest row and rows grouped by length; evaluations generate. Nothing is saved. Prints one
JSON object, the scores of the test rows in %.
"""

import json
import math
import sys

import torch
import transformers
from backbone import encode, load, peak_bytes, read_tokenizer


def read(spec, tokenizer, split):
    with open(f"{spec['data']}/{split}.jsonl", encoding="utf8") as lines:
        rows = [json.loads(line) for line in lines]
    sources = encode(tokenizer, [row["source"] for row in rows], spec["source_length"])
    targets = encode(tokenizer, [row["target"] for row in rows], sys.maxsize)
    return [{"input_ids": source, "labels": target} for source, target in zip(sources, targets)]


def scores(predicted, targets):
    """Accuracy, and F1 of the class 1, in %."""
    pairs = list(zip(predicted, targets))
    hits = sum(output == "1" == target for output, target in pairs)
    positives = sum(output == "1" for output in predicted) + sum(target == "1" for target in targets)
    accuracy = sum(output == target for output, target in pairs) / len(pairs)
    return {"accuracy": 100 * accuracy, "f1": 200 * hits / max(positives, 1)}


def run(spec):
    if spec["threads"]:
        torch.set_num_threads(spec["threads"])
    transformers.set_seed(spec["seed"])
    tokenizer = read_tokenizer(spec["backbone"])
    model, trained = load(spec["backbone"], spec["method"], spec["start"])
    rows = {split: read(spec, tokenizer, split) for split in ("train", "validation", "test")}
    longest = max(len(row["labels"]) for split in rows.values() for row in split)

    def scored(outputs):
        texts = [
            tokenizer.batch_decode(
                [[id for id in row if id >= 0] for row in ids.tolist()], skip_special_tokens=True
            )
            for ids in (outputs.predictions, outputs.label_ids)
        ]
        return scores(*([text.strip() for text in column] for column in texts))

    steps = spec["steps"] or math.ceil(len(rows["train"]) / spec["batch_size"]) * spec["epochs"]
    arguments = transformers.Seq2SeqTrainingArguments(
        output_dir=spec["folder"],
        use_cpu=True,
        bf16=spec["precision"] == "bfloat16",
        max_steps=steps,
        per_device_train_batch_size=spec["batch_size"],
        per_device_eval_batch_size=spec["evaluation_batch_size"],
        learning_rate=spec["learning_rate"],
        warmup_steps=spec["warmup_steps"],
        lr_scheduler_type="linear",
        weight_decay=0,
        max_grad_norm=1,
        optim="adamw_torch_fused",
        train_sampling_strategy="group_by_length",
        eval_strategy="steps",
        eval_steps=spec["evaluate_every"],
        predict_with_generate=True,
        generation_max_length=longest + 1,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=spec["seed"],
        dataloader_pin_memory=False,
    )
    trainer = transformers.Seq2SeqTrainer(
        model=model,
        args=arguments,
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, model=model),
        compute_metrics=scored,
    )
    trainer.remove_callback(transformers.PrinterCallback)  # stdout is for the result
    trainer.train()
    tested = trainer.evaluate(rows["test"])
    return {
        "trained_parameters": sum(parameter.numel() for parameter in trained),
        "steps": trainer.state.global_step,
        "evaluations": sum("eval_accuracy" in entry for entry in trainer.state.log_history),
        "test": {name: tested[f"eval_{name}"] for name in ("accuracy", "f1")},
        "peak_bytes": peak_bytes(),
    }


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf8") as file:
        specification = json.load(file)
    print(json.dumps(run(specification)))
