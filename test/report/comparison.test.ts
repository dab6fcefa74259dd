import { describe, expect, test } from 'vitest'
import { compare, comparisonLatex, comparisonMarkdown } from '../../src/report/comparison.js'
import { groupsOf, type RunValues, seeds } from './runs.js'

const full = { trained_parameters: 9426688, share_percent: 100 }
const twoTasks = [
  ...seeds([], [{ accuracy: 60.1 }, { accuracy: 62.4 }, { accuracy: 61.7 }]),
  ...seeds(['method=full'], [{ accuracy: 70 }, { accuracy: 71.5 }], { result: full }),
  ...seeds([], [{ f1: 80.5, accuracy: 70.25 }], { task: 'mrpc' }),
  ...seeds(['method=adapter'], [{ f1: 0, accuracy: -0.001 }], { task: 'mrpc' }),
]

// expected: Python's statistics.mean and statistics.stdev
test('a table for Markdown: mean ± sample standard deviation over seeds, the best of a column on validation marked', () => {
  expect(
    comparisonMarkdown(compare(groupsOf(twoTasks))),
  ).toBe(`| method | trained, % | rotten-tomatoes (accuracy) | mrpc (f1, accuracy) | average |
|---|---:|---:|---:|---:|
| compacter | 0.195 | 61.40 ± 1.18 (3) | **75.38** † (1) | 68.39 |
| full | 100 | **70.75 ± 1.06** † (2) | – | – |
| adapter | 0.195 | – | 0.00 (1) | – |

Test scores × 100, the mean of a task's metrics; rows are in the order of their validation scores, and † marks the best of a column on validation. Mean ± sample standard deviation over the runs in parentheses that differ in seeds only.
`)
})

test('what is trained is a range where tasks have heads of several sizes', () => {
  const on = (task: string, trained_parameters: number, share_percent: number) =>
    seeds([], [{ accuracy: 60 }], { task, result: { trained_parameters, share_percent } })
  const comparison = compare(
    groupsOf([...on('rte', 1000, 0.0731), ...on('trec', 1400, 0.1024), ...on('boolq', 1000, 0.0731)]),
  )
  expect(comparison.rows[0]).toMatchObject({ trained: [1000, 1400], share: [0.0731, 0.1024] })
  expect(comparisonMarkdown(comparison)).toContain('| compacter | 0.0731–0.102 |')
})

test('a table for LaTeX with booktabs', () => {
  const runs = [
    ...seeds([], [{ accuracy: 60 }, { accuracy: 50 }]),
    ...seeds(['method=full'], [{ accuracy: 70 }, { accuracy: -71.5 }]),
  ]
  const expected = String.raw`% Test scores × 100; rows are in the order of their validation scores, and † marks the best of a column on validation. Mean ± sample standard deviation over 2 runs that differ in seeds only.
\begin{tabular}{lrr}
\toprule
method & trained, \% & rotten-tomatoes (accuracy) \\
\midrule
compacter & 0.195 & \textbf{55.00 $\pm$ 7.07}$^\dagger$ \\
full & 0.195 & $-$0.75 $\pm$ 100.06 \\
\bottomrule
\end{tabular}
`
  expect(comparisonLatex(compare(groupsOf(runs)))).toBe(expected)
})

test('an average that no method has is not a column, and a single run is not "each"', () => {
  const runs = [{ task: 'a' }, { task: 'b', sets: ['method=full'] }]
  expect(comparisonMarkdown(compare(groupsOf(runs)))).not.toContain('average')
  expect(comparisonMarkdown(compare(groupsOf([{}])))).toContain('Test scores × 100. One run.\n')
})

test('all that look the same are best; a single value is not marked', () => {
  const alike = compare(
    groupsOf([...seeds([], [{ accuracy: 61.401 }]), ...seeds(['method=full'], [{ accuracy: 61.404 }])]),
  )
  expect(alike.rows.map(({ cells }) => cells[0]!.best)).toEqual([true, true])
  expect(compare(groupsOf(seeds([], [{ accuracy: 61 }]))).rows[0]!.cells[0]!.best).toBe(false)
})

describe('validation, never test, decides', () => {
  const run = (method: string, validation: Record<string, number>, test = validation, more: RunValues = {}) => ({
    ...more,
    sets: [`method=${method}`, ...(more.sets ?? [])],
    test,
    result: { validation },
  })
  const shown = (runs: RunValues[]) =>
    compare(groupsOf(runs)).rows.map(({ method, cells, average }) => [
      method,
      ...[...cells, average].flatMap((cell) => (cell ? [`${cell.text}${cell.best ? ' best' : ''}`] : [])),
    ])

  test('what is bold, and the order of the rows', () => {
    const runs = [
      run('compacter', { accuracy: 60 }, { accuracy: 71 }),
      run('full', { accuracy: 65 }, { accuracy: 63 }),
      run('bitfit', { accuracy: 62 }, { accuracy: 99 }),
    ]
    expect(shown(runs)).toEqual([
      ['full', '63.00 best'],
      ['bitfit', '99.00'],
      ['compacter', '71.00'],
    ])
  })

  test('of several tasks the average; methods that lack a task come after, best first', () => {
    const on = (task: string, method: string, accuracy: number) => run(method, { accuracy }, { accuracy: 50 }, { task })
    const runs = [
      on('a', 'bitfit', 90),
      on('a', 'compacter', 60),
      on('b', 'compacter', 60),
      on('a', 'full', 50),
      on('b', 'full', 80),
      on('a', 'adapter', 95),
    ]
    expect(shown(runs)).toEqual([
      ['full', '50.00', '50.00 best', '50.00 best'],
      ['compacter', '50.00', '50.00', '50.00'],
      ['adapter', '50.00 best'],
      ['bitfit', '50.00'],
    ])
  })

  test('of an error the lowest is best, and no average is made of it', () => {
    const runs = ['a', 'b'].flatMap((task) => [
      run('compacter', { mae: 0.8 }, { mae: 0.1 }, { task }),
      run('full', { mae: 0.5 }, { mae: 0.4 }, { task }),
    ])
    expect(shown(runs)).toEqual([
      ['full', '0.40 best', '0.40 best'],
      ['compacter', '0.10', '0.10'],
    ])
    expect(comparisonMarkdown(compare(groupsOf(runs)))).toContain(
      'Test scores × 100, of mae in the units of the labels (less is better); rows are',
    )
  })

  test('errors are left out of the mean of metrics that point the other way', () => {
    expect(shown([run('full', { pearson: 80, spearman: 70, mae: 0.5 })])).toEqual([['full', '75.00']])
  })

  test('where all runs of a task chose their best checkpoint by one metric, that is the score', () => {
    const sets = ['task=glue/mrpc', 'training.best_metric=f1']
    const runs = [
      run('full', { f1: 70, accuracy: 90 }, undefined, { sets }),
      run('bitfit', { f1: 80, accuracy: 50 }, undefined, { sets }),
    ]
    expect(shown(runs)).toEqual([
      ['bitfit', '80.00 best'],
      ['full', '70.00'],
    ])
    expect(compare(groupsOf(runs)).tasks).toEqual([{ name: 'glue/mrpc', metrics: ['f1'] }])
  })
})

test('names with a meaning in Markdown or LaTeX are shown unchanged', () => {
  const task = 'a|b_c & 50% $x$ #1 {\\textbf} ~^ <script>\nnext'
  const comparison = compare(groupsOf([{ task }]))
  expect(comparisonMarkdown(comparison).split('\n')[0]).toBe(
    '| method | trained, % | a\\|b\\_c &amp; 50% $x$ \\#1 \\{\\\\textbf\\} \\~^ \\<script\\> next (accuracy) |',
  )
  expect(comparisonLatex(comparison).split('\n')[3]).toBe(
    String.raw`method & trained, \% & a\textbar{}b\_c \& 50\% \$x\$ \#1 \{\textbackslash{}textbf\} \textasciitilde{}\textasciicircum{} \textless{}script\textgreater{} next (accuracy) \\`,
  )
})
