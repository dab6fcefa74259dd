// How long `compacter compare` takes for ten runs of 10,000 rows, each with each: 45 pairs, by one metric at a time.
//   npm run build && npx tsx bench/compare.bench.ts [ROWS]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { MersenneTwister } from '../src/base/numbers/random.js'
import type { AnsweredRow, ScoredRows } from '../src/compare/scores/scored_rows.js'
import { writeAnsweredRun } from '../test/compare/made_runs.js'
import { compacter } from './sides.js'
import { type Shape, simulatedAnswers } from './simulated_answers.js'

const ROWS = Number(process.argv[2] ?? 10_000)
const RUNS = 10

/** Numbers as a text-to-text model writes them, to 0.2, and as a head does, all different. */
const rounded = (value: number): string => (Math.round(value * 5) / 5).toFixed(1)
const CASES: { name: string; metric: string; shape: Shape; written?: (value: number) => string }[] = [
  { name: 'accuracy', metric: 'accuracy', shape: 'labels' },
  { name: 'F1', metric: 'f1', shape: 'labels' },
  { name: 'Matthews', metric: 'matthews', shape: 'labels' },
  { name: 'Pearson, outputs rounded to 0.2', metric: 'pearson', shape: 'numbers', written: rounded },
  { name: 'Pearson, outputs all different', metric: 'pearson', shape: 'numbers', written: String },
  { name: 'Spearman, outputs rounded to 0.2', metric: 'spearman', shape: 'numbers', written: rounded },
  { name: 'Spearman, outputs of four decimals', metric: 'spearman', shape: 'numbers', written: (x) => x.toFixed(4) },
  { name: 'Spearman, outputs all different', metric: 'spearman', shape: 'numbers', written: String },
]

const folder = mkdtempSync(join(tmpdir(), 'compacter-bench-'))
try {
  for (const each of CASES) {
    const runs = Array.from({ length: RUNS }, (_, model) => {
      const { rows, classes } = answers(each, model)
      const task = each.shape === 'numbers' ? ['task=glue/stsb'] : []
      return writeAnsweredRun(join(folder, each.name, `${model}`), rows, {
        sets: [`training.learning_rate=${0.001 * (model + 1)}`, ...task],
        ...(classes && { classes }),
      })
    })
    const [node, ...args] = compacter('compare', ...runs, '--by', 'run', '--metric', each.metric, '--json')
    const start = performance.now()
    const { status, stdout, stderr } = spawnSync(node!, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
    const seconds = (performance.now() - start) / 1000
    if (status !== 0) throw new Error(stderr)
    const { comparisons } = JSON.parse(stdout)
    console.log(`${each.name}: ${seconds.toFixed(1)} s, ${comparisons.length} pairs, load ${loadavg()[0]!.toFixed(1)}`)
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** Answers of a model; numbers as they are written. */
function answers({ shape, written }: (typeof CASES)[number], model: number): Pick<ScoredRows, 'rows' | 'classes'> {
  const { rows, classes } = simulatedAnswers(shape, ROWS, { model, skill: 0.55 + 0.01 * model })
  if (!written) return { rows, classes }
  const generator = new MersenneTwister(model)
  const number = ({ label }: AnsweredRow) => written(Number(label) + 2 * generator.uniform() - 1)
  return { rows: rows.map((row) => ({ ...row, prediction: number(row) })), classes }
}
