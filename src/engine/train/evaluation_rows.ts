import { randperm } from '../../base/numbers/random.js'
import type { Progress } from '../../base/progress.js'
import { SPLIT_SEED } from '../../task/rows/splits.js'
import type { PreparedSplit } from '../prepare/data.js'

/**
 * Returns the rows for evaluations during training: all of a split, or `count` of them, which is reported. They are the
 * first of randperm(rows, 42) in the split's order, whatever the seed of the training, so that runs with different
 * seeds can be compared.
 */
export function evaluationRows(split: PreparedSplit, count: number | undefined, progress: Progress): PreparedSplit {
  if (count === undefined) return split
  const rows = split.rows.toLocaleString('en')
  if (count >= split.rows) {
    progress.note(`Evaluations are on all ${rows} ${split.name} rows: training.evaluation_rows is ${count}.`)
    return split
  }
  progress.note(
    `Evaluations are on ${count.toLocaleString('en')} of the ${rows} ${split.name} rows ` +
      '(training.evaluation_rows); the test is on all of its rows.',
  )
  return someRows(split, randperm(split.rows, SPLIT_SEED).slice(0, count).sort())
}

function someRows(split: PreparedSplit, places: Int32Array): PreparedSplit {
  let examples: ReturnType<PreparedSplit['examples']> | undefined
  return {
    ...split,
    rows: places.length,
    drawnFrom: split.rows,
    tokens: {
      objective: split.tokens.objective,
      source: (i) => split.tokens.source(places[i]!),
      target: (i) => split.tokens.target(places[i]!),
    },
    lengths: Int32Array.from(places, (place) => split.lengths[place]!),
    targetLengths: Int32Array.from(places, (place) => split.targetLengths[place]!),
    examples: () => {
      examples ??= split.examplesAt([...places])
      return examples
    },
    examplesAt: (own) => split.examplesAt(own.map((i) => places[i]!)),
  }
}
