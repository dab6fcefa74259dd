"""Trains a method with transformers' Trainer, for bench/training.bench.ts: a T5 with Seq2SeqTrainer.

usage: trainer.py SPEC.json
SPEC.json holds {"backbone": folder, "method": {…}, "start": file of the trained tensors, "data": folder of train.jsonl,
validation.jsonl and test.jsonl with the fields source, target and, for a pair, second, "labels": the targets in the order
of an encoder's head, "folder": for what the trainer writes, …}. Batches are padded to their longest row and rows grouped
by length; a T5 is evaluated by generating. Nothing is saved. Prints one JSON object, the scores of the test rows in %.
"""

import json
import math
import sys

import torch
import transformers
from backbone import encode, is_encoder, load, peak_bytes, read_tokenizer


def read(spec, split):
    with open(f"{spec['data']}/{split}.jsonl", encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


def generated(spec, tokenizer, model, splits):
    """What a T5 adds to a training → its trainer, arguments, collator, rows and scores."""

    def encoded(rows):
        sources = encode(tokenizer, [row["source"] for row in rows], spec["source_length"])
        targets = encode(tokenizer, [row["target"] for row in rows], sys.maxsize)
        return [{"input_ids": source, "labels": target} for source, target in zip(sources, targets)]

    rows = {split: encoded(texts) for split, texts in splits.items()}
    longest = max(len(row["labels"]) for split in rows.values() for row in split)

    def texts(ids):
        known = [[id for id in row if id >= 0] for row in ids.tolist()]
        return [text.strip() for text in tokenizer.batch_decode(known, skip_special_tokens=True)]

    return {
        "trainer": transformers.Seq2SeqTrainer,
        "arguments": transformers.Seq2SeqTrainingArguments,
        "options": {"predict_with_generate": True, "generation_max_length": longest + 1},
        "collator": transformers.DataCollatorForSeq2Seq(tokenizer, model=model),
        "rows": rows,
        "scored": lambda outputs: scores(texts(outputs.predictions), texts(outputs.label_ids)),
    }


def classified(spec, tokenizer, splits):
    """What an encoder adds to a training; see `generated`."""
    labels = spec["labels"]

    def encoded(rows):
        seconds = [row["second"] for row in rows] if "second" in rows[0] else None
        firsts = [row["source"] for row in rows]
        inputs = tokenizer(firsts, seconds, truncation="longest_first", max_length=spec["source_length"])
        answers = [labels.index(row["target"]) for row in rows]
        return [{**{name: ids[i] for name, ids in inputs.items()}, "labels": answer} for i, answer in enumerate(answers)]

    def texts(numbers):
        return [labels[number] for number in numbers]

    return {
        "trainer": transformers.Trainer,
        "arguments": transformers.TrainingArguments,
        "options": {},
        "collator": transformers.DataCollatorWithPadding(tokenizer),
        "rows": {split: encoded(texts) for split, texts in splits.items()},
        "scored": lambda outputs: scores(texts(outputs.predictions.argmax(-1)), texts(outputs.label_ids)),
    }


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
    model, trained = load(spec["backbone"], spec["method"], spec["start"], spec["labels"])
    splits = {split: read(spec, split) for split in ("train", "validation", "test")}
    encoder = is_encoder(spec["backbone"])
    own = classified(spec, tokenizer, splits) if encoder else generated(spec, tokenizer, model, splits)
    rows = own["rows"]
    steps = spec["steps"] or math.ceil(len(rows["train"]) / spec["batch_size"]) * spec["epochs"]
    arguments = own["arguments"](
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
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=spec["seed"],
        dataloader_pin_memory=False,
        **own["options"],
    )
    trainer = own["trainer"](
        model=model,
        args=arguments,
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        data_collator=own["collator"],
        compute_metrics=own["scored"],
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
