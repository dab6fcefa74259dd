"""Writes test/fixtures/template.json: rows that Hugging Face's tokenizers make of one text and of pairs, cut or not.

    python template.py
"""

import itertools
import json
import os

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import DebertaV2Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
BERT_NANO = os.path.join(HERE, '../../configs/backbones/bert-nano/tokenizer.json')

TEXTS = [
    ['a good film', 'it is not'],
    ['', 'only a second'],
    ['only a first', ''],
    ['a long first text that goes on and on and on', 'short'],
    ['short', 'a long second text that goes on and on and on'],
    ['it holds [SEP] as text', 'and [CLS] too'],
    ['a  good\n\tfilm \u00e0 l\u0065\u0301t\u00e9 ', '  it is\r\nnot  '],
]


def processor(name):
    if name == 'bert':
        return processors.BertProcessing(('[SEP]', 3), ('[CLS]', 2))
    if name == 'roberta':
        return processors.RobertaProcessing(('[SEP]', 3), ('[CLS]', 2))
    return processors.TemplateProcessing(
        single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=[('[CLS]', 2), ('[SEP]', 3)]
    )


def words(name):
    tokenizer = Tokenizer(models.WordLevel({'w': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3}, unk_token='[UNK]'))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processor(name)
    rows = []
    for limit, first, second in itertools.product((4, 5, 6, 7, 8, 13), (0, 1, 2, 4, 7, 14), (None, 0, 1, 3, 6, 15)):
        tokenizer.enable_truncation(limit, strategy='longest_first')
        texts = [' '.join('w' * n) for n in (first, second) if n is not None]
        encoding = tokenizer.encode(*texts)
        lengths = [n for n in (first, second) if n is not None]
        rows.append({'limit': limit, 'lengths': lengths, 'ids': encoding.ids, 'segments': encoding.type_ids})
    return {'post_processor': json.loads(tokenizer.to_str())['post_processor'], 'rows': rows}


def real(tokenizer):
    rows = []
    for limit, texts in itertools.product((7, 9, 64), TEXTS):
        tokenizer.enable_truncation(limit, strategy='longest_first')
        for own in (texts[:1], texts):
            encoding = tokenizer.encode(*own)
            rows.append({'limit': limit, 'texts': own, 'ids': encoding.ids, 'segments': encoding.type_ids})
    return rows


def deberta():
    """A tokenizer of few pieces as transformers makes one for DeBERTa v3."""
    pieces = [(text, 0.0) for text in ('[PAD]', '[CLS]', '[SEP]', '[UNK]')]
    pieces += [('\u2581' + word, -3.0) for word in ('a', 'good', 'film', 'it', 'is', 'not', 'text', 'and', 'on', 'goes')]
    pieces += [(letter, -6.0) for letter in '\u2581abcdefghijklmnopqrstuvwxyz\u00e9.[]SEPCL']
    return DebertaV2Tokenizer(vocab=pieces, unk_id=3)._tokenizer


fixture = {name: words(name) for name in ('bert', 'roberta', 'template')} | {'bert-nano': real(Tokenizer.from_file(BERT_NANO))}
spm = deberta()
fixture['deberta'] = {'tokenizer': json.loads(spm.to_str()), 'rows': real(spm)}
with open(os.path.join(HERE, '../fixtures/template.json'), 'w') as file:
    json.dump(fixture, file, separators=(',', ':'))
    file.write('\n')
