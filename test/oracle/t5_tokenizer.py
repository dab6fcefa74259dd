"""Prints test/fixtures/tokenizer.json: what transformers' T5 tokenizer makes of odd texts.

    python test/oracle/t5_tokenizer.py configs/backbones/t5-nano > test/fixtures/tokenizer.json
"""
import json
import sys

import transformers

CASES = {
    "empty": "",
    "one space": " ",
    "one word": "film",
    "sentence": "sentence: a gorgeous, witty, seductive movie.",
    "double space": "a  b",
    "many spaces": "one     two      three",
    "leading space": "  leading",
    "trailing space": "trailing  ",
    "newline": "first\nsecond\n",
    "tab and carriage return": "a\tb\r\nc",
    "no-break space": "a\u00a0b",
    "zero-width space": "a\u200bb",
    "soft hyphen": "co\u00adop",
    "byte order mark": "\ufeffstart",
    "emoji": "good 🙂 film",
    "emoji joined": "👩‍👩‍👧",
    "NFKC ligature and numeral": "ﬁne Ⅳ ½",
    "NFKC full width": "ＦＵＬＬ　ｗｉｄｔｈ",
    "composed and decomposed": "café cafe\u0301",
    "Chinese": "电影很好",
    "Arabic": "فيلم جيد",
    "unknown between words": "a ☃ b",
    "digits": "1234567890 3.14 1,000",
    "label ids": "0 1 2",
    "punctuation": "\"Well--,\" he said... (don't!)",
    "case": "ALL CAPS and CamelCase",
    "metaspace itself": "a▁b ▁ c",
    "end of sequence inside": "a</s>b",
    "end of sequence with spaces": "a </s> b </s>",
    "padding inside": "a <pad> b<pad>",
    "unknown token inside": "a <unk> b",
    "first sentinel": "<extra_id_0> x <extra_id_1>",
    "last sentinel": "x<extra_id_99>y",
    "no sentinel": "<extra_id_100> <extra_id_>",
    "markup": "<b>bold</b> &amp; @highlight",
    "marked spans": "* a * and # b #",
    "control character": "a\u0007b\u0000c",
    "long word": "pneumonoultramicroscopicsilicovolcanoconiosis",
}
MAX_LENGTH = 12


def main(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    cases = []
    for name, text in CASES.items():
        ids = tokenizer(text).input_ids
        cases.append(
            {
                "name": name,
                "text": text,
                "ids": ids,
                "truncated": tokenizer(text, max_length=MAX_LENGTH, truncation=True).input_ids,
                "decoded": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    head = {
        "made_by": f"transformers {transformers.__version__}, {type(tokenizer).__name__}",
        "vocabulary_size": len(tokenizer),
        "max_length": MAX_LENGTH,
    }
    lines = ",\n".join(json.dumps(case) for case in cases)
    print(json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}")


main(sys.argv[1])
