import { mean } from '../../base/numbers/mean.js'
import { Addends, Additive } from '../../statistics/additive.js'
import { RankCorrelation } from '../../statistics/ranks/correlation.js'
import { numberOf } from '../../task/metrics/errors.js'
import type { ScoredRows } from './scored_rows.js'

/** A spread below this share of the sum of squares is rounding: the values are the same. */
const ROUNDING = 1e-12

/** Returns Pearson's correlation × 100 of outputs and the rows' numbers, as `pearson` has it. */
export function pearsonCorrelation(scored: ScoredRows): Additive {
  const { outputs, wanted } = numbersOf(scored)
  const middle = mean(wanted) // sums of numbers near 0 keep their digits
  const addends = new Addends(scored.units)
  for (const [row, unit] of scored.unitOf.entries()) {
    const [x, y] = [outputs[row]! - middle, wanted[row]! - middle]
    for (const [component, value] of [1, x, y, x * x, y * y, x * y].entries()) addends.add(unit, component, value)
  }
  const score = ([n, x, y, xx, yy, xy]: Float64Array) => {
    const [xSpread, ySpread] = [xx! - (x! * x!) / n!, yy! - (y! * y!) / n!]
    if (!(xSpread > ROUNDING * xx! && ySpread > ROUNDING * yy!)) return 0
    return 100 * Math.min(1, Math.max(-1, (xy! - (x! * y!) / n!) / Math.sqrt(xSpread * ySpread)))
  }
  return new Additive(addends, { components: 6, score })
}

/** Returns Spearman's correlation × 100 of the same numbers. */
export function spearmanCorrelation(scored: ScoredRows): RankCorrelation {
  const { outputs, wanted } = numbersOf(scored)
  return new RankCorrelation(outputs, wanted, 100)
}

/** Returns the mean of a function of each row's error, made a score in the units of the labels. */
export function meanError(
  scored: ScoredRows,
  of: (error: number) => number,
  finish: (mean: number) => number,
): Additive {
  const { outputs, wanted } = numbersOf(scored)
  const addends = new Addends(scored.units)
  for (const [row, unit] of scored.unitOf.entries()) {
    addends.add(unit, 0, of(outputs[row]! - wanted[row]!))
    addends.add(unit, 1)
  }
  const score = ([sum, count]: Float64Array) => (count === 0 ? 0 : finish(Math.max(0, sum!) / count!))
  return new Additive(addends, { components: 2, score })
}

function numbersOf({ rows }: ScoredRows): { outputs: Float64Array; wanted: Float64Array } {
  return {
    outputs: Float64Array.from(rows, ({ prediction }) => numberOf(prediction.trim())),
    wanted: Float64Array.from(rows, ({ label, target }) => Number(label ?? target)),
  }
}
