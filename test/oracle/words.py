"""Writes test/fixtures/words.json: rows that Hugging Face's tokenizers make of sentences that come in words.

    python words.py
"""

import json
import os

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
BERT_NANO = os.path.join(HERE, "../../configs/backbones/bert-nano/tokenizer.json")
SENTENCES = [
    ["EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", "."],
    ["a", "\u200b", "word", "without", "pieces"],
    ["unbelievably", "co-operative", "U.N.", "déjà-vu", "3.14159", "🎉"],
    ["it", "holds", "[SEP]", "<s>", "two words", " blank", ""],
    ["lower", "low", "lower", "low"] * 3,
    ["x"],
]
TEXTS = ["the lower lamb rejects a German call to boycott the EU", "low lower lowest", "two words without pieces"] * 4
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def byte_level(add_prefix_space):
    """As RoBERTa's, trained on a few words; the file never has the prefix, which is what words are read with."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=SPECIAL))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=add_prefix_space)
    return tokenizer


def metaspace():
    """As XLM-RoBERTa's."""
    pieces = sorted({text[i:j] for text in ["▁" + w for t in TEXTS for w in t.split()] for i in range(len(text)) for j in range(i + 1, len(text) + 1)})
    vocab = [(token, 0.0) for token in SPECIAL] + [(piece, -1.0 - 0.01 * i) for i, piece in enumerate(pieces)]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def rows(tokenizer):
    """Ids and, as run_ner takes them, the place of each word's first piece; −1 for a word that has none in the row."""
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    made = []
    for words in SENTENCES:
        for limit in (5, 8, 64):
            encoding = fast(words, is_split_into_words=True, truncation=True, max_length=limit)
            places = [-1] * len(words)
            for place, word in reversed(list(enumerate(encoding.word_ids()))):
                if word is not None:
                    places[word] = place
            made.append({"words": words, "limit": limit, "ids": encoding["input_ids"], "places": places})
    return made


def main():
    own = Tokenizer.from_file(BERT_NANO)
    prefixed, unigram = byte_level(True), metaspace()
    stored = json.loads(prefixed.to_str())
    stored["pre_tokenizer"]["add_prefix_space"] = False
    cases = {
        "bert-nano": {"rows": rows(own)},
        "byte-level": {"tokenizer": stored, "rows": rows(prefixed)},
        "metaspace": {"tokenizer": json.loads(unigram.to_str()), "rows": rows(unigram)},
    }
    with open(os.path.join(HERE, "../fixtures/words.json"), "w") as file:
        json.dump(cases, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
