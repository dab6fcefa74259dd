"""Inputs and expected scores for test/task/metrics.test.ts, from scikit-learn and scipy.

    python test/oracle/metrics.py > test/fixtures/metrics.json     (scikit-learn 1.9, scipy 1.17, numpy 2)

SQuAD's normalisation and F1 are the official evaluate-v1.1 script's, written out. ROUGE-L's longest common subsequence
is found by trying every subsequence, so it shares no method with ours.
"""
import collections, itertools, json, random, re, string, warnings
import numpy as np
from scipy import stats
from sklearn import metrics

warnings.filterwarnings('ignore')  # undefined values are what is tested
draw = random.Random(42)


def normalise(text):
    text = ''.join(c for c in text.lower() if c not in set(string.punctuation))
    return ' '.join(re.sub(r'\b(a|an|the)\b', ' ', text).split())


def exact(prediction, target):
    return float(normalise(prediction) == normalise(target))


def f1_of(p, t, common):
    if common == 0:
        return 0.0
    precision, recall = common / len(p), common / len(t)
    return 2 * precision * recall / (precision + recall)


def token_f1(prediction, target):
    p, t = normalise(prediction).split(), normalise(target).split()
    return f1_of(p, t, sum((collections.Counter(p) & collections.Counter(t)).values()))


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(word in rest for word in part)


def rouge_l(prediction, target):
    p, t = (re.findall('[a-z0-9]+', s.lower()) for s in (prediction, target))
    longest = max(k for k in range(len(p) + 1) for part in itertools.combinations(p, k) if is_subsequence(part, t))
    return f1_of(p, t, longest)


def f1_of_label(labels, positive):
    """Of two labels, an output that is neither counts as the other than the target (the paper's f1_score_with_invalid)."""
    def score(targets, predictions):
        if len(labels) == 2:
            other = {labels[0]: labels[1], labels[1]: labels[0]}
            predictions = [p if p in other else other[t] for p, t in zip(predictions, targets)]
        return metrics.f1_score(targets, predictions, labels=[positive], average='macro', zero_division=0)
    return score


def macro(labels):
    """As the paper's mean_multiclass_f1: over the task's labels, whether targets have them or not."""
    return lambda targets, predictions: metrics.f1_score(targets, predictions, labels=labels, average='macro', zero_division=0)


def number(text):
    try:
        return float(text)
    except ValueError:
        return -1.0


def correlation(of):
    def score(targets, predictions):
        value = of([number(p) for p in predictions], [number(t) for t in targets])[0] if len(targets) > 1 else 0
        return 0 if np.isnan(value) else value
    return score


def mean(of):
    return lambda targets, predictions: np.mean([of(p, t) for p, t in zip(predictions, targets)])


def error(of):
    return lambda targets, predictions: of([number(t) for t in targets], [number(p) for p in predictions])


NUMBERS = {'pearson': correlation(stats.pearsonr), 'spearman': correlation(stats.spearmanr), 'mae': error(metrics.mean_absolute_error), 'rmse': error(metrics.root_mean_squared_error)}
TEXTS = {'exact_match': mean(exact), 'token_f1': mean(token_f1), 'rouge_l': mean(rouge_l)}


def scale(metric):
    """Errors are in the units of the labels."""
    return 1 if metric in ('mae', 'rmse') else 100


def choices(options, n):
    return [draw.choice(options) for _ in range(n)]


def case(name, scores, predictions, targets):
    expected = {metric: scale(metric) * float(of(targets, predictions)) for metric, of in scores.items()}
    return dict(name=name, predictions=predictions, targets=targets, expected=expected)


def label_case(name, predictions, targets, labels='01', positive='1'):
    labels = list(labels)
    scores = {'accuracy': metrics.accuracy_score, 'matthews': metrics.matthews_corrcoef, 'macro_f1': macro(labels), 'f1': f1_of_label(labels, positive)}
    return dict(case(name, scores, predictions, targets), classes=dict(labels=labels, positive=positive))


def mostly(targets, others, share):
    return [t if draw.random() < share else draw.choice(others) for t in targets]


def number_cases():
    scores = [f'{draw.randrange(26) / 5:.1f}' for _ in range(200)]
    noisy = [f'{min(5, max(0, float(s) + draw.gauss(0, 1))):.1f}' for s in scores]
    yield case('random scores with ties', NUMBERS, noisy, scores)
    yield case('outputs that are no number', NUMBERS, [draw.choice([s, s, '', 'three', '1.2.3', '-']) for s in scores], scores)
    yield case('constant outputs', NUMBERS, ['2.6'] * 200, scores)
    yield case('constant 0.1, whose mean is rounded', NUMBERS, ['0.1'] * 200, scores)
    yield case('constant targets', NUMBERS, noisy, ['3.0'] * 200)
    yield case('all outputs invalid', NUMBERS, ['x'] * 200, scores)
    yield case('exactly right', NUMBERS, scores, scores)
    yield case('exactly reversed', NUMBERS, [f'{5 - float(s):.1f}' for s in scores], scores)
    yield case('two pairs', NUMBERS, ['1.0', '2.0'], ['3.0', '0.5'])
    yield case('one pair', NUMBERS, ['1.0'], ['3.0'])
    yield case('exponents and signs', NUMBERS, ['1e1', '-2', '+.5', '3.'], ['4', '1', '2', '2.5'])


def gold():
    """Targets are rounded to steps of 0.2, scores are for the values that they are made of."""
    values = [f'{draw.uniform(0, 5):.3f}' for _ in range(150)] + ['1e-3', '0x2', '4.', ' 3.21']
    number_of = lambda v: float(int(v, 16)) if 'x' in v else float(v)
    targets = [f'{round(number_of(v) / .2) * .2:.1f}' for v in values]
    predictions = [draw.choice([t, t, f'{draw.randrange(26) / 5:.1f}', 'none']) for t in targets]
    expected = {metric: scale(metric) * float(of([str(number_of(v)) for v in values], predictions)) for metric, of in NUMBERS.items()}
    return dict(predictions=predictions, targets=targets, values=values, expected=expected)


def text_cases():
    words = ['the', 'a', 'Cat', 'cat.', 'sat', 'mat', 'an', 'on', "it's", 'state-of-the-art', '1990s', 'café', '?!', 'Über']
    texts = [' '.join(choices(words, draw.randrange(9))) for _ in range(120)]
    others = [' '.join(draw.sample(t.split(), len(t.split()))) if draw.random() < .6 else draw.choice(texts) for t in texts]
    yield case('random sentences', TEXTS, others, texts)
    yield case('the same', TEXTS, texts, texts)
    yield case('no output', TEXTS, [''] * 120, texts)
    yield case('empty against empty', TEXTS, ['', 'the'], ['', 'a'])
    yield case('articles, case and punctuation', TEXTS, ['The U.S.!', 'theatre a', 'x  y'], ['us', 'an theatre', 'X\ty'])


def label_cases():
    binary, three, odd = choices('01', 300), choices('012', 300), ['', 'positive', '11', '0 1', '2']
    yield label_case('binary', mostly(binary, '01', .5), binary)
    yield label_case('binary with outputs that are no label', mostly(binary, ['0', '1', *odd], .4), binary)
    yield label_case('binary, all outputs invalid', choices(odd, 300), binary)
    yield label_case('binary, always 1', ['1'] * 300, binary)
    yield label_case('binary, always 0', ['0'] * 300, binary)
    yield label_case('only negatives, found', ['0'] * 9, ['0'] * 9)
    yield label_case('only positives, found', ['1'] * 9, ['1'] * 9)
    yield label_case('only positives, none found', ['0'] * 9, ['1'] * 9)
    yield label_case('all wrong', ['1' if t == '0' else '0' for t in binary], binary)
    yield label_case('one row', ['1'], ['1'])
    yield label_case('three labels, unbalanced', mostly(three, '001', .6), [t if t != '2' else draw.choice('012') for t in three], '012')
    yield label_case('three labels with invalid outputs', mostly(three, ['0', '3', ''], .5), three, '012')
    yield label_case('three labels, one never a target', three, [t if t != '2' else '0' for t in three], '012')
    yield label_case('three labels, one neither target nor output', mostly(binary, '01', .7), binary, '012')
    words = ['entailment', 'neutral', 'contradiction']
    yield label_case('words as labels', ['entailment', 'neutral', 'Neutral', ''], ['entailment', 'neutral', 'neutral', 'neutral'], words, 'neutral')
    yield label_case('three labels, every error between the two others', list('2211002'), list('1122002'), '012', '0')


def random_label_cases():
    """2 to 6 labels: of each number, with all labels among the targets or some absent, and with invalid outputs or none."""
    for count in range(2, 7):
        for absent in sorted({0, 1, count - 1}):
            for invalid in (0, .3):
                labels = [f'label {i}' for i in range(count)]
                seen = draw.sample(labels, count - absent)
                targets = draw.choices(seen, weights=range(1, len(seen) + 1), k=40)
                predictions = [draw.choice(['', 'label', 'label 9']) if draw.random() < invalid else p for p in mostly(targets, labels, .5)]
                name = f'{count} labels, {absent} of them no target, {"some" if invalid else "no"} outputs invalid'
                yield label_case(name, predictions, targets, labels, draw.choice(labels))


def multirc():
    for name, wrong in (('random', .3), ('with invalid outputs', .4), ('all right', 0), ('all wrong', 1)):
        questions = [draw.randrange(30) for _ in range(150)]
        targets = choices('01', 150)
        flip = {'0': '1', '1': '0'}
        predictions = [(draw.choice(['', 'x']) if 'invalid' in name else flip[t]) if draw.random() < wrong else t for t in targets]
        groups = collections.defaultdict(list)
        for q, p, t in zip(questions, predictions, targets):
            groups[q].append(p == t)
        expected = dict(f1a=100 * f1_of_label(['0', '1'], '1')(targets, predictions), exact_match=100 * float(np.mean([all(g) for g in groups.values()])))
        yield dict(name=name, predictions=predictions, targets=targets, questions=questions, expected=expected)


def record():
    names = ['Barack Obama', 'the White House', 'Obama', 'U.S.', 'New York Times', 'Times', 'São Paulo']
    answers = [draw.sample(names, draw.randrange(1, 4)) for _ in range(100)]
    predictions = [draw.choice([*a, *names, '', 'nobody at all']) for a in answers]
    best = lambda of: 100 * float(np.mean([max(of(p, a) for a in accepted) for p, accepted in zip(predictions, answers)]))
    return dict(predictions=predictions, answers=answers, expected=dict(f1=best(token_f1), exact_match=best(exact)))


cases = [*label_cases(), *random_label_cases(), *number_cases(), *text_cases()]
print(json.dumps(dict(cases=cases, multirc=list(multirc()), record=record(), gold=gold()), ensure_ascii=False, separators=(',', ':')))
