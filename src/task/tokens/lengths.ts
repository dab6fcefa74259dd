import type { TrainingPlan } from './batches.js'

/**
 * The lengths that the batches of a training run are padded to, ascending. A batch that is longer than all of them is
 * padded to its own.
 */
export interface Ladder {
  /** Rows of a whole batch; a smaller one is padded to the top length, so that it has one shape. */
  batchSize: number
  source: number[]
  target: number[]
}

/** Token counts of a split's rows, including `</s>`. */
export interface RowLengths {
  source: ArrayLike<number>
  target: ArrayLike<number>
}

/** How much of what a training run reads is padding, and in how many lengths. */
export interface Padding {
  source_lengths: number[]
  target_lengths: number[]
  /** Percentage of the source tokens of the counted steps: see countedSteps. */
  source_padding_percent: number
  target_padding_percent: number
}

/**
 * Tokens that a step could take in the time that one more shape costs, its capture and first run; without a cached
 * graph. Measured with bench/capture.bench.ts, see docs/benchmarks.md.
 */
const SHAPE_TOKENS = 4000

/** A captured shape also takes memory: tens of MiB for a small model. */
const MOST_RUNGS = 6

/** Short epochs differ, since their longest rows meet other rows each time. */
const COUNTED_STEPS = 1000

/** Returns the number of steps whose batches are counted: an epoch or more, or the training run where it is shorter. */
const countedSteps = (plan: TrainingPlan, steps: number): number =>
  Math.min(steps, Math.max(plan.stepsPerEpoch, COUNTED_STEPS))

/**
 * Returns the ladder with the lowest cost over a replayed training run: padding of the planned batches plus
 * SHAPE_TOKENS per shape. It depends only on lengths, batch size, seed, order and steps, so that a resumed run pads the
 * same way: dropout masks depend on the padded shape.
 */
export function ladderOf(lengths: RowLengths, plan: TrainingPlan, batchSize: number, steps: number): Ladder {
  const counted = countedSteps(plan, steps)
  const weight = (batchSize * steps) / counted
  const batches = Array.from({ length: counted }, (_, step) => plan.batch(step)).filter(
    ({ length }) => length === batchSize,
  )
  const maxima = (of: ArrayLike<number>, rounded: (length: number) => number) =>
    histogram(batches.map((rows) => rounded(longest(of, rows))))
  const source = rungs(maxima(lengths.source, roundedSource), weight, SHAPE_TOKENS)
  const target = rungs(maxima(lengths.target, roundedTarget), weight, SHAPE_TOKENS * Math.max(1, source.length))
  return { batchSize, source, target }
}

/** Returns the padded lengths of a batch whose longest rows have that many tokens. */
export function paddedLengths(
  size: number,
  source: number,
  target: number,
  ladder?: Ladder,
): { source: number; target: number } {
  const [roundSource, roundTarget] = [roundedSource(source), roundedTarget(target)]
  if (!ladder) return { source: roundSource, target: roundTarget }
  const whole = size === ladder.batchSize
  return { source: rung(ladder.source, roundSource, whole), target: rung(ladder.target, roundTarget, whole) }
}

/**
 * Returns `Padding: 12.5 % of the source tokens and 0 % of the target tokens; sources have 3 lengths: 16, 32, 48.`;
 * nothing of targets where none are decoded.
 */
export function paddingLine(padding: Padding, { decoded }: { decoded: boolean }): string {
  const { source_lengths: lengths, source_padding_percent: source, target_padding_percent: target } = padding
  const count = lengths.length === 1 ? 'one length' : `${lengths.length} lengths`
  return (
    `Padding: ${source} % of the source tokens${decoded ? ` and ${target} % of the target tokens` : ''}; ` +
    `sources have ${count}: ` +
    `${lengths.join(', ')}.`
  )
}

const rung = (rungs: number[], length: number, whole: boolean): number =>
  (whole ? rungs : rungs.slice(-1)).find((rung) => rung >= length) ?? length

/** Returns how much padding is left. */
export function paddingOf(ladder: Ladder | undefined, lengths: RowLengths, plan: TrainingPlan, steps: number): Padding {
  let [source, target, paddedSource, paddedTarget] = [0, 0, 0, 0]
  const met = { source: new Set<number>(), target: new Set<number>() }
  for (let step = 0; step < countedSteps(plan, steps); step++) {
    const rows = plan.batch(step)
    const padded = paddedLengths(rows.length, longest(lengths.source, rows), longest(lengths.target, rows), ladder)
    for (const row of rows) {
      source += lengths.source[row]!
      target += lengths.target[row]!
    }
    met.source.add(padded.source)
    met.target.add(padded.target)
    paddedSource += padded.source * rows.length
    paddedTarget += padded.target * rows.length
  }
  return {
    source_lengths: ascending(met.source),
    target_lengths: ascending(met.target),
    source_padding_percent: percent(source, paddedSource),
    target_padding_percent: percent(target, paddedTarget),
  }
}

/** Rounds up to a multiple of 8, which suits matrix units and lets shapes repeat. */
function roundedSource(length: number): number {
  return Math.ceil(length / 8) * 8
}

/**
 * Keeps up to 8 tokens (labels have few lengths) exact, as each further token costs as much as the others; then rounds
 * up to multiples of 8.
 */
function roundedTarget(length: number): number {
  return length <= 8 ? length : roundedSource(length)
}

/**
 * Returns the rungs, chosen from the lengths that occur, with the lowest cost: tokens of padding in all batches, each
 * counted `weight` times, plus `rungCost` per rung. Uses dynamic programming over the lengths: best[r][j] is the lowest
 * cost of the lengths up to j in r rungs of which j is the last.
 */
export function rungs(counts: Map<number, number>, weight: number, rungCost: number, most = MOST_RUNGS): number[] {
  const lengths = [...counts.keys()].sort((a, b) => a - b)
  if (lengths.length === 0) return []
  const padding = (from: number, to: number) => {
    let tokens = 0
    for (let k = from; k < to; k++) tokens += counts.get(lengths[k]!)! * (lengths[to]! - lengths[k]!)
    return weight * tokens
  }
  let best = lengths.map((_, j) => ({ cost: padding(0, j) + rungCost, rungs: [lengths[j]!] }))
  let cheapest = best.at(-1)!
  for (let count = 2; count <= Math.min(most, lengths.length); count++) {
    best = lengths.map((_, j) => {
      let least = best[j]!
      for (let i = count - 2; i < j; i++) {
        const cost = best[i]!.cost + padding(i + 1, j) + rungCost
        if (cost < least.cost) least = { cost, rungs: [...best[i]!.rungs, lengths[j]!] }
      }
      return least
    })
    if (best.at(-1)!.cost < cheapest.cost) cheapest = best.at(-1)!
  }
  return cheapest.rungs
}

function histogram(values: number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

const longest = (lengths: ArrayLike<number>, rows: number[]): number =>
  rows.reduce((most, row) => Math.max(most, lengths[row]!), 0)

const ascending = (values: Set<number>): number[] => [...values].sort((a, b) => a - b)

const percent = (real: number, padded: number): number =>
  padded === 0 ? 0 : Math.round(1000 * (1 - real / padded)) / 10
