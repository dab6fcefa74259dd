"""Writes test/fixtures/vocabularies/: vocabularies as old folders have them, without a tokenizer.json, and rows.json,
the rows that transformers' own tokenizers make with them. Needs sentencepiece and protobuf besides.

    python vocabularies.py
"""

import io
import json
import os
import shutil
import tempfile

import sentencepiece
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "../fixtures")
OWN = os.path.join(FIXTURES, "vocabularies")

# Some are of one file's words, all have what a normaliser or a pre-tokenizer changes.
TEXTS = [
    "a good film, and it is not long",
    "",
    "   ",
    "  two  blanks\tand\na line\r\nend ",
    "Größe, NAÏVE and cafe\u0301 \ufb01ne \u2163 \uff21",
    "it holds [MASK] and [SEP], <mask> </s> <s> and <own> in the middle",
    "\u4e2d\u6587 film \U0001f642 3.14159",
    "don't -- U.N. co-operative (really?)",
    "a\u00a0b\u200bc\u3000d\u2581e",
]


def sentence_piece():
    lines = [line for name in ("classify.yaml", "tag.yaml") for line in open(os.path.join(HERE, "../../experiments", name))]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines + TEXTS * 3),
        model_writer=model,
        vocab_size=130,
        hard_vocab_limit=False,
        normalization_rule_name="identity",  # its table of NFKC has 240 kB, and is not read
        pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]",
        user_defined_symbols=["<own>"],
        minloglevel=2,
    )  # fmt: skip
    return {"spm.model": model.getvalue()}


def word_piece():
    tokenizer = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    lowered = [text.lower() for text in TEXTS]
    tokenizer.train_from_iterator((TEXTS + lowered) * 3, vocab_size=220, show_progress=False)
    kept = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return {"vocab.txt": "".join(token + "\n" for token, _ in kept).encode()}


def byte_level():
    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>"]  # without <mask>, which is added
    tokenizer.train_from_iterator(TEXTS * 3, vocab_size=300, special_tokens=special, show_progress=False)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_model(folder)
        return {name: open(os.path.join(folder, name), "rb").read() for name in ("vocab.json", "merges.txt")}


MASK = {"content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False}
# Name of the case: model_type, the files next to the vocabulary.
CASES = {
    "deberta-v3": ("deberta-v2", {"tokenizer_config.json": {"do_lower_case": False, "vocab_type": "spm"}}),
    "deberta-v3, saved by its slow tokenizer": (
        "deberta-v2",
        {
            "tokenizer_config.json": {"do_lower_case": True, "split_by_punct": True, "tokenizer_class": "DebertaV2Tokenizer"},
            "special_tokens_map.json": {"mask_token": "[MASK]", "pad_token": {"content": "[PAD]", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}},
            "added_tokens.json": {"[MASK]": None},
        },
    ),
    "deberta-v3 without a blank in front": ("deberta-v2", {"tokenizer_config.json": {"add_prefix_space": False}}),
    "bert without settings": ("bert", {}),
    "distilbert, cased": ("distilbert", {"tokenizer_config.json": {"do_lower_case": False, "tokenizer_class": "DistilBertTokenizer"}}),
    "electra with accents, Chinese in words": (
        "electra",
        {"tokenizer_config.json": {"strip_accents": False, "tokenize_chinese_chars": False}},
    ),
    "roberta": ("roberta", {}),
    "roberta with a blank in front": (
        "roberta",
        {"tokenizer_config.json": {"add_prefix_space": True}, "special_tokens_map.json": {"mask_token": MASK}},
    ),
    "roberta with a list of added tokens": (
        "roberta",
        {"tokenizer_config.json": {"added_tokens_decoder": {"1": {**MASK, "content": "<pad>", "lstrip": False, "special": True}, None: {**MASK, "special": True}}}},
    ),
}  # fmt: skip


def main():
    vocabularies = {"deberta-v2": sentence_piece(), "roberta": byte_level()}
    vocabularies.update(dict.fromkeys(("bert", "distilbert", "electra"), word_piece()))
    shutil.rmtree(OWN, ignore_errors=True)
    os.makedirs(OWN)
    for files in vocabularies.values():
        for name, content in files.items():
            open(os.path.join(OWN, name), "wb").write(content)
    cases = {}
    for case, (model_type, settings) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            for name, content in vocabularies[model_type].items():
                open(os.path.join(folder, name), "wb").write(content)
            settings = {"config.json": {"model_type": model_type}, **settings}
            first = AutoTokenizer.from_pretrained(written(folder, {"config.json": {"model_type": model_type}}))
            settings = json.loads(json.dumps(settings).replace('"[MASK]": null', f'"[MASK]": {len(first) - 1}').replace('"null"', f'"{len(first) - 1}"'))
            tokenizer = AutoTokenizer.from_pretrained(written(folder, settings))
            rows = []
            for first, second in zip(TEXTS, TEXTS[1:] + TEXTS[:1]):
                made = tokenizer._tokenizer.encode(first, second)  # by itself transformers drops an empty second text
                rows.append({"texts": [first, second], "ids": made.ids, "segments": made.type_ids})
            stored = json.loads(tokenizer._tokenizer.to_str())
            del stored["model"]["vocab"], stored["padding"], stored["truncation"]
            stored["model"].pop("merges", None)
            cases[case] = {"files": {**{name: None for name in vocabularies[model_type]}, **settings}, "tokenizer": stored,
                           "size": len(tokenizer), "pad": tokenizer.pad_token_id, "rows": rows}  # fmt: skip
    with open(os.path.join(OWN, "rows.json"), "w") as file:
        json.dump(cases, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def written(folder, settings):
    for name, content in settings.items():
        with open(os.path.join(folder, name), "w") as file:
            json.dump(content, file)
    return folder


if __name__ == "__main__":
    main()
