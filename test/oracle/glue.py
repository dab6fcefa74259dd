"""Digests of every GLUE split whose official files are in ../shared/data, for test/task/glue.test.ts.

    python test/oracle/glue.py > test/fixtures/glue.json     (pyarrow and numpy)

The files' terms allow no copies here, so the fixture holds counts and sha256 digests of `source TAB target LF`, no text.
Rows come through Python's csv module; where the hub's parquet is at hand too, both must agree. torch.randperm is written
out over NumPy's MT19937.
"""
import csv, hashlib, json, pathlib, sys
import numpy as np
import pyarrow.parquet as parquet

DATA = pathlib.Path(__file__).parents[2] / '../shared/data'
PAIR = 'sentence1: {sentence1} sentence2: {sentence2}'
ENTAILMENT = ['entailment', 'not_entailment']


def randperm(n, seed=42):
    draws = np.random.RandomState(seed).randint(0, 2**32, size=n, dtype=np.uint32)
    order = list(range(n))
    for i in range(n - 1):
        j = i + int(draws[i]) % (n - i)
        order[i], order[j] = order[j], order[i]
    return order


def similarity(score):  # as T5: tf.as_string(tf.round(float32 score * 5) / 5, precision=1)
    return f'{float(np.round(np.float32(score) * np.float32(5))) / 5:.1f}'


def tsv(path, fields=None):
    with open(DATA / 'glue' / path, encoding='utf-8-sig', newline='\n') as file:
        return list(csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE, fieldnames=fields))


def jsonl(path):
    return [json.loads(line) for line in (DATA / 'glue' / path).read_text('utf-8').split('\n') if line]


def official(name, file):
    if name == 'cola':
        return [(f"sentence: {r['sentence']}", r['label']) for r in tsv(f'CoLA/{file}', ['s', 'label', 'm', 'sentence'])]
    if name == 'sst2':
        return [(f"sentence: {r['sentence']}", r['label']) for r in tsv(f'SST-2/{file}')]
    if name == 'mrpc':
        return [(PAIR.format(sentence1=r['#1 String'], sentence2=r['#2 String']), r['Quality']) for r in tsv(f'MRPC/{file}')]
    if name == 'stsb':
        return [(PAIR.format(**r), similarity(r['score'])) for r in tsv(f'STS-B/{file}')]
    if name == 'rte':
        return [(PAIR.format(**r), str(ENTAILMENT.index(r['label']))) for r in tsv(f'RTE/{file}')]


def hub(name, split):
    rows = parquet.read_table(DATA / 'hf-parquet' / name / f'{split}.parquet').to_pylist()
    prompt = 'sentence: {sentence}' if name == 'cola' else PAIR
    return [(prompt.format(**r), similarity(r['label']) if name == 'stsb' else str(r['label'])) for r in rows]


def digest(rows):
    text = ''.join(f'{source}\t{target}\n' for source, target in rows)
    return dict(rows=len(rows), sha256=hashlib.sha256(text.encode()).hexdigest())


def splits(name):
    train, dev = official(name, 'train.tsv'), official(name, 'dev.tsv')
    if name == 'sst2':
        order = randperm(len(train))
        return dict(train=[train[i] for i in order[1000:]], validation=[train[i] for i in order[:1000]], test=dev)
    order = randperm(len(dev))
    half = len(dev) // 2
    return dict(train=train, validation=[dev[i] for i in order[:half]], test=[dev[i] for i in order[half:]])


def compare(name):
    for split, file in (('train', 'train.tsv'), ('validation', 'dev.tsv')):
        ours, theirs = official(name, file), hub(name, split)
        differing = sum(a != b for a, b in zip(ours, theirs))
        labels = sum(a[1] != b[1] for a, b in zip(ours, theirs))
        print(f'{name} {split}: {len(ours)} official rows, {len(theirs)} of the hub; {differing} differ, {labels} in the label', file=sys.stderr)


for name in ('cola', 'mrpc', 'stsb', 'rte'):
    compare(name)
result = {name: {split: digest(rows) for split, rows in splits(name).items()} for name in ('cola', 'sst2', 'mrpc', 'stsb', 'rte')}
mnli = {'validation': 'dev_mismatched', 'test': 'dev_matched'}
names = ['entailment', 'neutral', 'contradiction']
result['mnli'] = {
    split: digest([(f"premise: {r['premise']} hypothesis: {r['hypothesis']}", str(names.index(r['gold_label']))) for r in jsonl(f'MNLI/{stem}.jsonl')])
    for split, stem in mnli.items()
}
print(json.dumps(result, indent=1))
