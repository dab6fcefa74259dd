import { hashSeed, normalArray } from '../src/base/numbers/random.js'
import { markdownTable } from '../src/base/text/markdown.js'
import type { Answers } from '../src/compare/answers.js'
import { type Comparison, compared } from '../src/compare/pairs.js'
import { scoreOf } from '../src/compare/scores/score.js'
import type { AnyMetric, ScoredRows } from '../src/compare/scores/scored_rows.js'
import { bootstrap } from '../src/statistics/draws.js'
import { SHAPES, type Shape, simulatedAnswers } from './simulated_answers.js'

// How often `compare` is right, on simulated answers: its intervals should hold the true difference in 95 % of draws,
// and its tests should find one in 5 % where there is none. Prints the table of docs/compare.md:
//   npx tsx bench/compare_coverage.bench.ts [DRAWS] [RESAMPLES] [SEEDS: only such cases]

const [DRAWS = 1000, RESAMPLES = 1000] = process.argv.slice(2).map(Number)
const ROWS = 300
/** Rows by which the true difference is found: its own error is a fourteenth of that of a draw. */
const POPULATION = 100_000
const LEVEL = 0.95
/** How much the skill of a method varies from seed to seed. */
const SEED_DEVIATION = 0.04

interface Case {
  shape: Shape
  metric: AnyMetric
  /** Trainings of each method. */
  seeds: number
}

/** Skills of the two methods: one is better, or they are equal. */
const DIFFERENT = [0.7, 0.6]
const EQUAL = [0.65, 0.65]

/** What a comparison needs: resamples for its interval, exchanges for its test. */
interface Drawn {
  resamples: number
  exchanges: number
}

/** Compares two simulated methods, as the command does. */
function comparisonOf(
  { shape, metric, seeds }: Case,
  skills: readonly number[],
  draw: number,
  { resamples, exchanges }: Drawn,
): Comparison {
  const methods = skills.map((skill, method) => {
    const varied = normalArray(seeds, hashSeed(draw, 'skills', method), seeds > 1 ? SEED_DEVIATION : 0)
    return [...varied].map((deviation, seed) =>
      simulatedAnswers(shape, ROWS, { seed: draw, model: 10 * method + seed, skill: skill + deviation }),
    )
  })
  const keys = methods.map((runs) => runs.map(() => ({}) as Answers))
  const outputs = outputsOf(methods.flat())
  const scored = methods.flat().map((rows) => scoreOf(metric, rows, outputs))
  const drawn = bootstrap(scored, { draws: resamples, seed: draw })
  const byKey = <Of>(values: readonly Of[]) => new Map(keys.flat().map((key, i) => [key, values[i]!]))
  const [method, against] = keys.map((answers, i) => ({ name: String(i), answers }))
  const { units } = methods[0]![0]!
  const options = { rows: ROWS, units, level: LEVEL, resamples: exchanges, seed: draw }
  const pair = { method: method!, against: against! }
  return compared([{ metric, scores: byKey(scored), draws: byKey(drawn) }], [pair], options)[0]!
}

const outputsOf = (answers: readonly ScoredRows[]): string[] => [
  ...new Set(answers.flatMap(({ rows }) => rows.map(({ prediction }) => prediction))),
]

function trueDifference({ shape, metric }: Case): number {
  const [first, second] = DIFFERENT.map((skill, model) =>
    simulatedAnswers(shape, POPULATION, { seed: 0, model, skill }),
  )
  const outputs = outputsOf([first!, second!])
  return scoreOf(metric, first!, outputs).observed - scoreOf(metric, second!, outputs).observed
}

function rowOf(each: Case): string[] {
  const truth = trueDifference(each)
  let [covered, rejected, rejectedMid] = [0, 0, 0]
  let test = ''
  for (let draw = 1; draw <= DRAWS; draw++) {
    const [low, high] = comparisonOf(each, DIFFERENT, draw, { resamples: RESAMPLES, exchanges: 1 }).interval!
    if (low <= truth && truth <= high) covered++
    const resamples = each.seeds > 1 ? RESAMPLES : 2 // only the test of several seeds rests on them
    const none = comparisonOf(each, EQUAL, DRAWS + draw, { resamples, exchanges: RESAMPLES })
    if (none.p < 1 - LEVEL) rejected++
    if (none.mcnemar && none.mcnemar.mid_p < 1 - LEVEL) rejectedMid++
    test = none.mcnemar ? `mcnemar (mid-p: ${share(rejectedMid)})` : none.test
  }
  const name = each.seeds > 1 ? `${each.metric}, ${each.seeds} seeds each` : each.metric
  return [name, each.shape, truth.toFixed(2), share(covered), share(rejected), test]
}

const share = (count: number) => `${((100 * count) / DRAWS).toFixed(1)} %`

const single = Object.entries(SHAPES).flatMap(([shape, metrics]) =>
  metrics.map((metric): Case => ({ shape: shape as Shape, metric, seeds: 1 })),
)
const several = [3, 5].flatMap((seeds): Case[] => [
  { shape: 'labels', metric: 'accuracy', seeds },
  { shape: 'numbers', metric: 'pearson', seeds },
])
const head = ['metric', 'rows of', 'true difference', 'interval holds it', 'found where none is', 'test']
const only = process.argv[4]
const table = [...single, ...several]
  .filter(({ seeds }) => only === undefined || String(seeds) === only)
  .map((each) => {
    const row = rowOf(each)
    console.error(row.join('  '))
    return row
  })
console.log(markdownTable(head, table, [false, false, true, true, true, false]))
