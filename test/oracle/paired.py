"""Inputs and expected values for test/statistics, from scipy and statsmodels.

    python test/oracle/paired.py > test/fixtures/statistics.json     (scipy 1.17, statsmodels 0.15, numpy 2)
"""
import json, warnings
import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

warnings.filterwarnings('ignore')  # constant input is what is tested
draw = np.random.default_rng(21)


def mcnemar_cases():
    pairs = [(0, 0), (1, 0), (0, 6), (1, 1), (3, 12), (40, 61), (500, 500), (499, 501), (4700, 5300), (0, 2000), (9, 1500)]
    pairs += [tuple(int(x) for x in draw.integers(0, high, 2)) for high in (5, 30, 200, 3000) for _ in range(5)]
    cases = []
    for b, c in pairs:
        exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue if b + c else 1.0
        k, n = min(b, c), b + c
        mid = 1.0 if b == c else 2 * stats.binom.cdf(k, n, 0.5) - stats.binom.pmf(k, n, 0.5)
        cases.append({'pair': [b, c], 'exact': min(1.0, float(exact)), 'mid': float(mid)})
    return cases


def holm_cases():
    lists = [[0.04], [0.01, 0.02, 0.03], [1.0, 1.0], [0.0, 0.5], [0.03, 0.03, 0.001, 0.9]]
    lists += [[float(x) for x in draw.random(n) ** 3] for n in (2, 7, 45)]
    return [{'p': p, 'corrected': [float(x) for x in multipletests(p, method='holm')[1]]} for p in lists]


def quantile_cases():
    points = [(p, df) for p in (0.5, 0.8, 0.9, 0.975, 0.995, 0.9995) for df in (1, 1.7, 2, 4, 9, 99, 4999)]
    tails = [(t, df) for t in (0.0, 0.3, -2.1, 4.5, 30.0) for df in (1, 2.5, 4, 60, 9999)]
    return {
        'normal': [[p, float(stats.norm.ppf(p))] for p in (0.001, 0.2, 0.5, 0.8, 0.975, 0.9999)],
        't': [[p, df, float(stats.t.ppf(p, df))] for p, df in points],
        'two_sided': [[t, df, float(2 * stats.t.sf(abs(t), df))] for t, df in tails],
    }


def spearman_cases():
    cases = []
    for n, values in [(1, 3), (2, 2), (6, 1), (8, 3), (40, 5), (60, 1000)]:
        x, y = draw.integers(0, values, n), draw.integers(0, values, n)
        counts = draw.multinomial(n, np.full(n, 1 / n))
        once = stats.spearmanr(x, y).statistic if n > 1 else np.nan
        again = stats.spearmanr(np.repeat(x, counts), np.repeat(y, counts)).statistic if n > 1 else np.nan
        number = lambda value: 0.0 if np.isnan(value) else float(value)
        cases.append({'x': x.tolist(), 'y': y.tolist(), 'counts': counts.tolist(),
                      'once': number(once), 'again': number(again)})
    return cases


def permutation_cases():
    """Means of paired units, all 2^n exchanges."""
    cases = []
    for n in (2, 4, 9, 12):
        a, b = draw.integers(0, 4, n).astype(float), draw.integers(0, 5, n).astype(float)
        test = stats.permutation_test((a, b), lambda a, b: a.mean() - b.mean(), permutation_type='samples',
                                      n_resamples=np.inf)
        cases.append({'a': a.tolist(), 'b': b.tolist(), 'p': float(test.pvalue)})
    return cases


def spearman_permutation():
    n = 11
    gold = draw.integers(0, 6, n).astype(float)
    a, b = gold + draw.integers(-2, 3, n), gold + draw.integers(-4, 5, n)
    rho = lambda x: stats.spearmanr(x, gold).statistic
    test = stats.permutation_test((a, b), lambda a, b: rho(a) - rho(b), permutation_type='samples',
                                  n_resamples=np.inf, vectorized=False)
    return {'gold': gold.tolist(), 'a': a.tolist(), 'b': b.tolist(), 'p': float(test.pvalue)}


def bootstrap_cases():
    """Percentile intervals of a mean of 300 units, 100,000 resamples."""
    a, b = draw.normal(0.4, 1, 300), draw.normal(0, 1, 300)
    cases = []
    for level in (0.9, 0.95, 0.99):
        low, high = stats.bootstrap((a - b,), np.mean, confidence_level=level, method='percentile', n_resamples=100_000,
                                    rng=draw, batch=1000).confidence_interval
        cases.append({'level': level, 'low': float(low), 'high': float(high)})
    return {'a': a.tolist(), 'b': b.tolist(), 'cases': cases, 'standard_error': float(np.std(a - b, ddof=1) / 300 ** 0.5)}


def welch_cases():
    """Seeds alone: nothing varies over units."""
    cases = []
    for first, second in [(2, 2), (3, 3), (3, 5), (5, 5)]:
        a, b = draw.normal(71, 1, first), draw.normal(70, 2, second)
        test = stats.ttest_ind(a, b, equal_var=False)
        cases.append({'a': a.tolist(), 'b': b.tolist(), 'p': float(test.pvalue), 'df': float(test.df)})
    return cases


def power_cases():
    """The effect in standard deviations that n units show in four of five tests; statsmodels counts both tails."""
    solve = lambda n, alpha: NormalIndPower(ddof=0).solve_power(effect_size=None, nobs1=n, alpha=alpha, power=0.8, ratio=0)
    return [{'n': n, 'alpha': alpha, 'effect': float(solve(n, alpha))} for n in (50, 277, 10_000) for alpha in (0.05, 0.005)]


print(json.dumps({
    'mcnemar': mcnemar_cases(), 'holm': holm_cases(), 'quantiles': quantile_cases(), 'spearman': spearman_cases(),
    'permutation': permutation_cases(), 'spearman_permutation': spearman_permutation(), 'bootstrap': bootstrap_cases(),
    'welch': welch_cases(), 'power': power_cases(),
}))
