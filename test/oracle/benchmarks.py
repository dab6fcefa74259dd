"""Digests of every GLUE and SuperGLUE split whose official files are in ../shared/data, for test/task/benchmark/.

    python test/oracle/benchmarks.py > test/fixtures/benchmarks.json     (pyarrow and numpy)

The files' terms allow no copies here, so the fixture holds counts and sha256 digests of `source TAB target LF`, of all
rows and of the first three, and no text. Rows come through Python's csv and json modules; where the hub's parquet is at
hand too, standard error says how the two differ. torch.randperm is written out over NumPy's MT19937.
"""
import collections, csv, hashlib, json, pathlib, re, sys
import numpy as np
import pyarrow.parquet as parquet

DATA = pathlib.Path(__file__).parents[2] / '../shared/data'
PAIR = 'sentence1: {sentence1} sentence2: {sentence2}'
ENTAILMENT = ['entailment', 'not_entailment']
NLI = 'premise: {premise} hypothesis: {hypothesis}'


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
    return [json.loads(line) for line in (DATA / path).read_text('utf-8').split('\n') if line]


def glue(name, file):
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


COPA = 'premise: {premise} choice1: {choice1} choice2: {choice2} question: {question}'
WIC = 'sentence1: {sentence1} sentence2: {sentence2} word: {word}'


def superglue(name, split):
    if name == 'cb':
        labels = ['entailment', 'contradiction', 'neutral']
        return [(NLI.format(**r), str(labels.index(r['label']))) for r in jsonl(f'superglue/CB/{split}.jsonl')]
    if name == 'copa':
        return [(COPA.format(**r), str(r['label'])) for r in jsonl(f'superglue/COPA/{split}.jsonl')]
    if name == 'wic':
        return [(WIC.format(**r), str(int(r['label']))) for r in jsonl(f'superglue/WiC/{split}.jsonl')]


def multirc(split):
    rows, groups = [], []
    for r in jsonl(f'superglue/MultiRC/{split}.jsonl'):
        for q in r['passage']['questions']:
            for a in q['answers']:
                text = f"question: {q['question']} answer: {a['text']} paragraph: {r['passage']['text']}"
                rows.append((re.sub('</?b>', '', text.replace('<br>', ' ')), str(a['label'])))
                groups.append((r['idx'], q['idx']))
    return rows, groups


def record(file, each_answer):
    rows = []
    for r in jsonl(f'superglue/ReCoRD/fewglue/{file}.jsonl'):
        text = r['passage']['text']
        entities = sorted({text[e['start'] : e['end'] + 1] for e in r['passage']['entities']})
        passage = re.sub('\n@highlight\n', '. ', re.sub('([.?!"\'])\n@highlight\n', r'\1 ', text))
        for qa in r['qas']:
            answers = sorted({a['text'] for a in qa['answers']})
            source = f"record query: {qa['query']} entities: {', '.join(entities)} passage: {passage}"
            rows += [(source, answer) for answer in answers] if each_answer else [(source, ' | '.join(answers))]
    return rows


def hub(name, split):
    rows = parquet.read_table(DATA / 'hf-parquet' / name / f'{split}.parquet').to_pylist()
    prompt = 'sentence: {sentence}' if name == 'cola' else PAIR
    return [(prompt.format(**r), similarity(r['label']) if name == 'stsb' else str(r['label'])) for r in rows]


def sha256(rows):
    return hashlib.sha256(''.join(f'{source}\t{target}\n' for source, target in rows).encode()).hexdigest()


def digest(rows, counted=True):
    counts = collections.Counter(target for _, target in rows)
    labels = dict(labels=dict(sorted(counts.items()))) if counted else {}
    return dict(rows=len(rows), **labels, sha256=sha256(rows), first=[sha256([row]) for row in rows[:3]])


def halves(train, dev):
    order, half = randperm(len(dev)), len(dev) // 2
    return dict(train=train, validation=[dev[i] for i in order[:half]], test=[dev[i] for i in order[half:]])


def held_out(train, dev):
    order = randperm(len(train))
    return dict(train=[train[i] for i in order[1000:]], validation=[train[i] for i in order[:1000]], test=dev)


def grouped_halves(train, dev, groups):
    members = collections.defaultdict(list)
    for row, group in zip(dev, groups):
        members[group].append(row)
    members = list(members.values())
    order, half = randperm(len(members)), len(members) // 2
    pick = lambda chosen: [row for i in chosen for row in members[i]]
    return dict(train=train, validation=pick(order[:half]), test=pick(order[half:]))


def mnli(rows, labels=['entailment', 'neutral', 'contradiction']):
    return [(NLI.format(**r), str(labels.index(r['gold_label']))) for r in rows]


def compare(name):
    for split, file in (('train', 'train.tsv'), ('validation', 'dev.tsv')):
        ours, theirs = glue(name, file), hub(name, split)
        differing = sum(a != b for a, b in zip(ours, theirs))
        labels = sum(a[1] != b[1] for a, b in zip(ours, theirs))
        print(f'{name} {split}: {len(ours)} official rows, {len(theirs)} of the hub; {differing} differ, {labels} in the label', file=sys.stderr)


for name in ('cola', 'mrpc', 'stsb', 'rte'):
    compare(name)
rows = {f'glue/{name}': halves(glue(name, 'train.tsv'), glue(name, 'dev.tsv')) for name in ('cola', 'mrpc', 'stsb', 'rte')}
rows['glue/sst2'] = held_out(glue('sst2', 'train.tsv'), glue('sst2', 'dev.tsv'))
sample = json.loads((DATA / 'glue/MNLI/subset10k/train.json').read_text('utf-8')).values()
rows['glue/mnli'] = dict(
    train=mnli([dict(premise=r['text_a'], hypothesis=r['text_b'], gold_label=r['label']) for r in sample]),  # 10k sample
    validation=mnli(jsonl('glue/MNLI/dev_mismatched.jsonl')),
    test=mnli(jsonl('glue/MNLI/dev_matched.jsonl')),
)
for name in ('cb', 'copa', 'wic'):
    rows[f'superglue/{name}'] = halves(superglue(name, 'train'), superglue(name, 'val'))
rows['superglue/multirc'] = grouped_halves(multirc('train')[0], *multirc('val'))
result = {name: {split: digest(each) for split, each in splits.items()} for name, splits in rows.items()}
# 32 + 32 rows: too few to hold any out, so the official splits
result['superglue/record'] = {
    'train': digest(record('train', True), counted=False),
    'validation': digest(record('dev32', False), counted=False),
}
print(json.dumps(result, indent=1))
