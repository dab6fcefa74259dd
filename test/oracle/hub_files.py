"""Files of every benchmark with rows of our own making: as in the official archive, and the parquet that the hub's
loaders (huggingface/datasets, glue.py and super_glue.py) made of them; parquet of every type and compression; and parquet
of every logical type, with its values as texts by pyarrow and numpy.

    python test/oracle/hub_files.py test/fixtures     (pyarrow)
"""
import datetime, decimal, json, pathlib, re, struct as packing, sys, uuid
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as parquet

OUT = pathlib.Path(sys.argv[1])
A = ['He said "no', "it 's  a café .", '"Quoted" and \'not\'', 'naïve 😀 text', 'a, b; c?', 'plain words here']
B = ['The "end', 'Ünïcode — dash', 'x', '  two  spaces ', '№ 5', "won't"]


def write(folder, config, official, columns, split='train', stem='train', ending='jsonl', shards=1, idx=True):
    text = OUT / 'official' / folder / f'{stem}.{ending}'
    text.parent.mkdir(parents=True, exist_ok=True)
    lines = official if ending == 'tsv' else [json.dumps(row, ensure_ascii=False) for row in official]
    text.write_text('\n'.join(lines) + '\n', 'utf-8')
    if idx:
        columns = {**columns, 'idx': pa.array(range(len(columns['label'])), pa.int32())}
    table = pa.table(columns)
    where = OUT / 'hub' / config
    where.mkdir(parents=True, exist_ok=True)
    size = -(-table.num_rows // shards)
    for i in range(shards):
        name = f'{split}-{i:05}-of-{shards:05}.parquet'
        parquet.write_table(table.slice(i * size, size), where / name, row_group_size=2, compression='snappy')


def labels(ids):
    return pa.array(ids, pa.int64())


def tsv(header, rows):
    return ['\t'.join(header)] * bool(header) + ['\t'.join(map(str, row)) for row in rows]


IDS = [1, 0, 0, 1, 1, 0]
NAMES = ['entailment', 'not_entailment']
named = [NAMES[i] for i in IDS]
pair = {'sentence1': A, 'sentence2': B, 'label': labels(IDS)}

write('CoLA', 'glue/cola', tsv([], [('gj04', i, '*' * (1 - i), a) for a, i in zip(A, IDS)]), {'sentence': A, 'label': labels(IDS)}, ending='tsv')
write('SST-2', 'glue/sst2', tsv(['sentence', 'label'], zip(A, IDS)), {'sentence': A, 'label': labels(IDS)}, ending='tsv', shards=2)
mrpc = tsv(['\ufeffQuality', '#1 ID', '#2 ID', '#1 String', '#2 String'], zip(IDS, range(6), range(6), A, B))
write('MRPC', 'glue/mrpc', mrpc, pair, ending='tsv')
scores = ['5.000', '0', '3.8', '2.46666666666667', '0.25', '1.533']
stsb = tsv(['index', 'genre', 'filename', 'year', 'old_index', 'source1', 'source2', 'sentence1', 'sentence2', 'score'],
           [(i, 'g', 'f', '2012', i, 'none', 'none', a, b, s) for i, (a, b, s) in enumerate(zip(A, B, scores))])
write('STS-B', 'glue/stsb', stsb, {**pair, 'label': pa.array([float(s) for s in scores], pa.float32())}, ending='tsv')
# QQP has lines that break off; the loader drops rows with a value missing, and numbers the others on
qqp = tsv(['id', 'qid1', 'qid2', 'question1', 'question2', 'is_duplicate'], [(i, 1, 2, a, b, l) for i, (a, b, l) in enumerate(zip(A, B, IDS))])
qqp[3:3] = ['9\t1\t2\tbroken', '9\t1\t2\tbroken\ttoo\t', '9\t1\t2\tbroken\tas well']
write('QQP', 'glue/qqp', qqp, {'question1': A, 'question2': B, 'label': labels(IDS)}, ending='tsv')
three = ['entailment', 'neutral', 'contradiction']
mnli_ids = [0, 1, 2, 2, 1, 0]
mnli_header = ['index', 'promptID', 'pairID', 'genre', 'sentence1_binary_parse', 'sentence2_binary_parse', 'sentence1_parse', 'sentence2_parse', 'sentence1', 'sentence2', 'label1', 'gold_label']
mnli = tsv(mnli_header, [(i, 1, '1e', 'g', '( )', '( )', '(S )', '(S )', a, b, three[0], three[l]) for i, (a, b, l) in enumerate(zip(A, B, mnli_ids))])
for split, stem in (('train', 'train'), ('validation_mismatched', 'dev_mismatched'), ('validation_matched', 'dev_matched')):
    write('MNLI', 'glue/mnli', mnli, {'premise': A, 'hypothesis': B, 'label': labels(mnli_ids)}, split, stem, 'tsv')
write('QNLI', 'glue/qnli', tsv(['index', 'question', 'sentence', 'label'], zip(range(6), A, B, named)), {'question': A, 'sentence': B, 'label': labels(IDS)}, ending='tsv')
write('RTE', 'glue/rte', tsv(['index', 'sentence1', 'sentence2', 'label'], zip(range(6), A, B, named)), pair, ending='tsv')
write('WNLI', 'glue/wnli', tsv(['index', 'sentence1', 'sentence2', 'label'], zip(range(6), A, B, IDS)), pair, ending='tsv')

S = 'superglue'
write(f'{S}/BoolQ', f'{S}/boolq', [{'question': a, 'passage': b, 'idx': i, 'label': bool(l)} for i, (a, b, l) in enumerate(zip(A, B, IDS))], {'question': A, 'passage': B, 'label': labels(IDS)})
cb = ['entailment', 'contradiction', 'neutral']
write(f'{S}/CB', f'{S}/cb', [{'premise': a, 'hypothesis': b, 'label': cb[l], 'idx': 0} for a, b, l in zip(A, B, mnli_ids)], {'premise': A, 'hypothesis': B, 'label': labels(mnli_ids)})
write(f'{S}/RTE', f'{S}/rte', [{'premise': a, 'hypothesis': b, 'label': l, 'idx': 0} for a, b, l in zip(A, B, named)], {'premise': A, 'hypothesis': B, 'label': labels(IDS)})
asks = ['cause', 'effect'] * 3
write(f'{S}/COPA', f'{S}/copa', [{'premise': a, 'choice1': b, 'choice2': a, 'question': q, 'label': l, 'idx': 0} for a, b, q, l in zip(A, B, asks, IDS)],
      {'premise': A, 'choice1': B, 'choice2': A, 'question': asks, 'label': labels(IDS)})
spot = lambda k: pa.array([k] * 6, pa.int32())
write(f'{S}/WiC', f'{S}/wic', [{'word': 'a', 'sentence1': a, 'sentence2': b, 'idx': 0, 'label': bool(l), 'start1': 0, 'start2': 0, 'end1': 1, 'end2': 1, 'version': 1.1} for a, b, l in zip(A, B, IDS)],
      {'word': ['a'] * 6, 'sentence1': A, 'sentence2': B, 'start1': spot(0), 'start2': spot(0), 'end1': spot(1), 'end2': spot(1), 'label': labels(IDS)})
wsc = [
    ('Mark told Pete many lies about himself, which Pete included in his book. He should have been more truthful.', 'Mark', 0, 'He', 13, 0),
    ('The dog chased the cat, which ran up a tree. It waited at the bottom.', 'The dog', 0, 'It', 10, 1),
]
write(f'{S}/WSC', f'{S}/wsc', [{'text': t, 'target': {'span1_text': x, 'span1_index': i, 'span2_text': y, 'span2_index': j}, 'idx': 0, 'label': bool(l)} for t, x, i, y, j, l in wsc],
      {'text': [r[0] for r in wsc], 'span1_index': pa.array([r[2] for r in wsc], pa.int32()), 'span2_index': pa.array([r[4] for r in wsc], pa.int32()),
       'span1_text': [r[1] for r in wsc], 'span2_text': [r[3] for r in wsc], 'label': labels([r[5] for r in wsc])})

passages = [
    {'idx': 3, 'version': 1.1, 'passage': {'text': '<b>Sent 1: </b>One 😀.<br><b>Sent 2: </b>Two.', 'questions': [
        {'question': 'Which <b>one</b>?', 'idx': 7, 'answers': [{'text': 'One', 'idx': 20, 'label': 1}, {'text': 'Two', 'idx': 21, 'label': 0}]},
        {'question': 'And?', 'idx': 8, 'answers': [{'text': 'None', 'idx': 22, 'label': 0}]}]}},
    {'idx': 4, 'version': 1.1, 'passage': {'text': 'Three.', 'questions': [
        {'question': 'How many?', 'idx': 9, 'answers': [{'text': '"3"', 'idx': 23, 'label': 1}, {'text': '4', 'idx': 24, 'label': 0}]}]}},
]
flat = [(p['passage']['text'], q['question'], a['text'], dict(paragraph=p['idx'], question=q['idx'], answer=a['idx']), a['label'])
        for p in passages for q in p['passage']['questions'] for a in q['answers']]
struct = pa.struct([('paragraph', pa.int32()), ('question', pa.int32()), ('answer', pa.int32())])
columns = dict(zip(['paragraph', 'question', 'answer', 'idx'], map(list, zip(*flat))))
write(f'{S}/MultiRC', f'{S}/multirc', passages, {**columns, 'idx': pa.array([row[3] for row in flat], struct), 'label': labels([row[4] for row in flat])}, idx=False)

text = '😀 Ann met Bob in Rome.\n@highlight\nAnn is from Oslo\n@highlight\nBob "left"\n@highlight\nThe end'
span = lambda word: {'start': text.index(word), 'end': text.index(word) + len(word) - 1}
entities = [span('Rome'), span('Ann'), span('Oslo'), span('Bob'), {'start': text.rindex('Ann'), 'end': text.rindex('Ann') + 2}]
answer = lambda word: {**span(word), 'text': word}
record = [{'source': 'x', 'passage': {'text': text, 'entities': entities}, 'idx': 5, 'qas': [
    {'query': '@placeholder flew', 'idx': 11, 'answers': [answer('Rome'), answer('Ann'), answer('Ann')]},
    {'query': 'Then @placeholder', 'idx': 12, 'answers': [answer('Bob')]}]}]
write(f'{S}/ReCoRD', f'{S}/record', record, {
    'passage': [text] * 2, 'query': [qa['query'] for qa in record[0]['qas']],
    'entities': [['Rome', 'Oslo', 'Bob', 'Ann'], ['Bob', 'Ann', 'Rome', 'Oslo']],  # a set's order
    'entity_spans': [[{'text': 'Ann', 'start': 2, 'end': 5}]] * 2,
    'answers': [['Ann', 'Rome'], ['Bob']],
    'idx': pa.array([dict(passage=5, query=11), dict(passage=5, query=12)], pa.struct([('passage', pa.int32()), ('query', pa.int32())])),
}, idx=False)

utc = datetime.timezone.utc
types = pa.table({
    'text': ['one', None, 'drei ü'],
    'whole': pa.array([1, 2**60, None], pa.int64()),
    'single': pa.array([3.8, 0.1, None], pa.float32()),
    'double': pa.array([3.8, 1e300, None], pa.float64()),
    'truth': [True, False, None],
    'tokens': [['a', 'b'], [], None],
    'numbers': pa.array([[1, 2**60], [], None], pa.list_(pa.int64())),
    'nested': pa.array([{'a': 1, 'b': [2.5]}, {'a': None, 'b': []}, None], pa.struct([('a', pa.int64()), ('b', pa.list_(pa.float32()))])),
    'day': pa.array([datetime.date(2026, 11, 23), datetime.date(1969, 12, 31), None]),
    'time': pa.array([datetime.datetime(2026, 11, 23, 22, 5, 6, 789000, utc)] * 2 + [None], pa.timestamp('us', 'UTC')),
    'nanos': pa.array([1, None, None], pa.timestamp('ns')),
    'money': pa.array([decimal.Decimal('12.50'), decimal.Decimal('-0.01'), None], pa.decimal128(9, 2)),
    'picture': pa.array([b'\xff\xd8', b'', None], pa.binary()),
    'word': pa.array(['x', 'y', 'x']).dictionary_encode(),
})
(OUT / 'parquet').mkdir(exist_ok=True)
for codec in ('none', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd'):
    parquet.write_table(types, OUT / 'parquet' / f'types-{codec}.parquet', compression=codec, row_group_size=2, store_schema=False)


def shown(array):
    """An array's values as a row should have them, as JSON: decimals and times as pyarrow writes them, floats as numpy."""
    kind = array.type
    if pa.types.is_null(kind):
        return [None] * len(array)
    if pa.types.is_list(kind):
        return [shown(item.values) if item.is_valid else None for item in array]
    if pa.types.is_map(kind):
        keys = lambda item: item.values.field(0).to_pylist()
        return [dict(zip(keys(item), shown(item.values.field(1)))) if item.is_valid else None for item in array]
    if pa.types.is_struct(kind):
        fields = {kind.field(i).name: shown(array.field(i)) for i in range(kind.num_fields)}
        return [{name: fields[name][i] for name in fields} if item.is_valid else None for i, item in enumerate(array)]
    return [one(scalar, kind) if scalar.is_valid else None for scalar in array]


def one(scalar, kind):
    value = scalar.as_py()
    if pa.types.is_decimal(kind):
        return format(value, 'f')
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        text = pyarrow.compute.cast(scalar, pa.string()).as_py().replace(' ', 'T')
        text = re.sub(r'(\.\d*?)(000)+(?=Z?$)', r'\1', text)  # no groups of three zeros at the end …
        text = re.sub(r'\.(?=Z?$)', '', text)
        return re.sub(r'(:\d\d)(?=Z?$)', r'\1.000', text) if pa.types.is_timestamp(kind) else text  # … but milliseconds
    if pa.types.is_float16(kind):
        return int(value) if float(value).is_integer() else float(str(np.float16(value)))
    if pa.types.is_float32(kind):
        return float(str(np.float32(value)))
    if pa.types.is_integer(kind):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, (datetime.date, uuid.UUID)):
        return str(value)
    return json.loads(value) if kind == pa.json_() else value


def nothing_last(values, kind):
    return pa.array([*values, None], kind)


D = decimal.Decimal
decimal.getcontext().prec = 76
nanos = [1_700_000_000_123_456_789, -1, 1_700_000_000_000_000_000, 5_000_000]
rows = len(nanos)
decimals = [D('19.99'), D('3.80'), D('-0.01'), D('0.00')]
long = [D('12345678901234567890123456789012345.678'), D('-0.001'), D('99999999999999999999999999999999999.999'), D('1.000')]
longest = [D(10) ** 72 * d + D('0.001') for d in (7, -7, 0, 1)]
uuids = [uuid.UUID(int=i).bytes for i in (2**127 + 1, 5, 0, 2**128 - 1)]
halves = [0.1, 3.8, 65504, 2**-24, -1.5, 0.3333]
logical = {
    'decimal': nothing_last(decimals, pa.decimal128(9, 2)),
    'long': nothing_last(long, pa.decimal128(38, 3)),
    'longest': nothing_last(longest, pa.decimal256(76, 3)),
    'whole': nothing_last([D(19), D(0), D(-5), D(10**17)], pa.decimal128(18, 0)),
    'tiny': nothing_last([D('0.0000000001'), D(0), D('-0.0000000001'), D('0.1')], pa.decimal128(20, 10)),
    'listed': nothing_last([decimals[:2], [], [None, decimals[2]], decimals], pa.list_(pa.decimal128(9, 2))),
    'nested': nothing_last([{'price': p, 'half': np.float16(h), 'at': [n]} for p, h, n in zip(decimals, halves, [1, 2, 3, 4])],
                           pa.struct([('price', pa.decimal128(9, 2)), ('half', pa.float16()), ('at', pa.list_(pa.time64('us')))])),
    'pairs': nothing_last([[{'p': p}, {'p': None}] for p in decimals], pa.list_(pa.struct([('p', pa.decimal128(9, 2))]))),
    'deep': nothing_last([[[p], []] for p in decimals], pa.list_(pa.list_(pa.decimal128(9, 2)))),
    'mapped': nothing_last([{'a': p} for p in decimals], pa.map_(pa.string(), pa.decimal128(9, 2))),
    'half': nothing_last([np.float16(h) for h in halves[:rows]], pa.float16()),
    'single': nothing_last([3.8, 1 / 3, 16777216, 1e-45], pa.float32()),
    'singles': nothing_last([{'s': 0.1}, {'s': 0.7}, {'s': None}, {'s': 2.5}], pa.struct([('s', pa.float32()), ('t', pa.string())])),
    'double': nothing_last([0.1, 1 / 3, 1e300, 2.5], pa.float64()),
    'seconds': nothing_last([0, 79506, 86399, 3600], pa.time32('s')),
    'millis': nothing_last([0, 79506789, 86399999, 1], pa.time32('ms')),
    'micros': nothing_last([0, 79506789012, 86399999999, 500000], pa.time64('us')),
    'nanos': nothing_last([0, 79506789012345, 86399999999999, 1], pa.time64('ns')),
    **{f'stamp_{unit}{"_utc" if zone else ""}': nothing_last([n // step for n in nanos], pa.timestamp(unit, zone))
       for unit, step in (('ms', 10**6), ('us', 10**3), ('ns', 1)) for zone in (None, 'UTC')},
    'zoned': nothing_last([n // 1000 for n in nanos], pa.timestamp('us', 'Europe/Berlin')),
    'day': nothing_last([datetime.date(2026, 11, 23), datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1970, 1, 1)], pa.date32()),
    'u8': nothing_last([255, 0, 128, 1], pa.uint8()),
    'u16': nothing_last([65535, 0, 32768, 1], pa.uint16()),
    'u32': nothing_last([2**32 - 1, 0, 2**31, 1], pa.uint32()),
    'u64': nothing_last([2**64 - 1, 0, 2**63, 2**53 - 1], pa.uint64()),
    'i8': nothing_last([-128, 0, 127, 1], pa.int8()),
    'i64': nothing_last([-2**63, 2**53, -2**53 + 1, 1], pa.int64()),
    'uuid': pa.ExtensionArray.from_storage(pa.uuid(), nothing_last(uuids, pa.binary(16))),
    'json': pa.ExtensionArray.from_storage(pa.json_(), nothing_last(['{"a": [1, null]}', '"x"', '[1.5]', '3'], pa.string())),
    'nothing': pa.nulls(rows + 1),
    'words': nothing_last(['\ufeffa', '', 'ü😀', 'd'], pa.large_string()),
    'word': nothing_last(['x', 'y', 'x', 'y'], pa.string()).dictionary_encode(),
}
as_read = {**logical, 'word': logical['word'].dictionary_decode(), 'zoned': logical['zoned'].cast(pa.timestamp('us', 'UTC'))}
values = {name: shown(column) for name, column in as_read.items()}
(OUT / 'parquet' / 'logical.json').write_text(json.dumps(values, ensure_ascii=False, indent=1) + '\n', 'utf-8')
for name, options in (('bytes', {}), ('integers', {'store_decimal_as_integer': True, 'use_dictionary': False})):
    parquet.write_table(pa.table(logical), OUT / 'parquet' / f'logical-{name}.parquet', row_group_size=2, store_schema=False, **options)
stamps = nothing_last(nanos, pa.timestamp('ns'))
parquet.write_table(pa.table({'stamp': stamps}), OUT / 'parquet' / 'int96.parquet', use_deprecated_int96_timestamps=True)

# every 131st float16, by numpy; of two decimals at the same distance it takes the even one, either is right
tie = lambda v: len(str(D(float(v)))) == len(str(v)) + 1 and str(D(float(v)))[-1] == '5'
bits = np.arange(0, 65536, 131, dtype=np.uint16)
texts = [(int(b), str(v)) for b, v in zip(bits, bits.view(np.float16)) if np.isfinite(v) and not float(v).is_integer() and not tie(v)]
(OUT / 'parquet' / 'float16.json').write_text(json.dumps(texts) + '\n')


def patched(table, file, before, after):
    """Types that pyarrow does not write: another's, under their name in the footer."""
    parquet.write_table(table, file, store_schema=False, use_dictionary=False, write_statistics=False)
    data = file.read_bytes()
    length = packing.unpack('<I', data[-8:-4])[0]
    body, footer = data[:-8 - length], data[-8 - length:-8]
    assert footer.count(before) == 1
    footer = footer.replace(before, after)
    file.write_bytes(body + footer + packing.pack('<I', len(footer)) + b'PAR1')


# Thrift's compact protocol. UTF8 (0) and the logical type STRING (1) become ENUM (4, 4); a type of its own INTERVAL (21).
patched(pa.table({'word': ['x', None, 'ü']}), OUT / 'parquet' / 'enum.parquet',
        b'\x25\x00\x4c\x1c\x00\x00\x00', b'\x25\x08\x4c\x4c\x00\x00\x00')
spans = [packing.pack('<III', 14, 3, 1500), None, packing.pack('<III', 0, 0, 2**32 - 1)]
patched(pa.table({'span': pa.array(spans, pa.binary(12)), 'text': ['a', 'b', 'c']}), OUT / 'parquet' / 'interval.parquet',
        b'span\x00', b'span\x25\x2a\x00')
