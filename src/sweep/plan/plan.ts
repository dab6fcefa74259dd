import { parameterRows } from '../../count/parameters.js'
import { type Measured, type MeasureOptions, measureApart } from '../../engine/apart/measure.js'
import type { Experiment } from '../../experiment/schema.js'
import { uncached } from '../../experiment/uncached.js'
import { busyLine, isBusy } from '../../measure/load.js'
import { measureOf } from './kind.js'
import type { Cell, LoadedSweep } from './load.js'
import { skippedLine } from './misfits.js'
import { isPriceable, knownConfig } from './price.js'
import { Prices, type SmallerPrice } from './prices.js'

/** After this many seconds no further measurement begins; the remaining cells are reported as not measured. */
const BUDGET_SECONDS = 600

/** More kinds of training are priced: each would have to load its backbone and rows. */
const MOST_MEASURED = 16

/** What a cell would need. Null means not known; `note` says why. */
export interface PlannedCell {
  index: number
  name: string
  axes: Record<string, unknown>
  trained_parameters: number | null
  steps: number | null
  /** Seconds of training only: of steps on the longest rows, or of rows of full length where it is priced. */
  estimated_seconds: number | null
  peak_memory_bytes: number | null
  /** Whether the memory that is free now is enough. */
  fits: boolean | null
  /** Measured with its backbone and rows, or reckoned from steps of a few layers. */
  basis: 'measured' | 'priced' | null
  note?: string
}

/** What `--dry-run` prints. */
export interface SweepPlan {
  name: string
  axes: string[]
  cells: PlannedCell[]
  /** Training runs that were measured; cells that train alike share one. */
  measured: number
  /** Kinds of training whose steps were measured for a price. */
  priced: number
  /** Seconds of all cells one after the other; null if some are not known. */
  estimated_seconds: number | null
  /** What the sweep would cost on smaller backbones, where all its cells are priced. */
  smaller: SmallerPrice[]
}

/**
 * Counts every cell's parameters and takes a few steps of each kind of training, each in a process of its own so that
 * its memory is measured alone. Where there are many kinds, or a backbone or rows would have to be downloaded, the
 * price of a step is reckoned from a few of its layers with random weights. Writes nothing but the cache.
 * @throws Interrupted when asked to stop.
 */
export async function planSweep(sweep: LoadedSweep, options: MeasureOptions): Promise<SweepPlan> {
  const { progress } = options
  const busy = isBusy()
  if (sweep.skipped.length > 0) progress.warn(skippedLine(sweep.skipped))
  const kinds = new Map(sweep.cells.toReversed().map((cell) => [measureOf(cell.experiment), cell]))
  const [toPrice, toMeasure] = await divided([...kinds].toReversed())
  const started = performance.now()
  const inTime = () => (performance.now() - started) / 1000 <= BUDGET_SECONDS
  const measured = await measureKinds(toMeasure, options, inTime)
  const isPriced = (cell: Cell) => toPrice.has(measureOf(cell.experiment))
  const toBePriced = sweep.cells.filter(isPriced)
  const prices = new Prices()
  if (busy && toPrice.size > 0) progress.warn(`${busyLine()} Prices are too high, and are not kept for later.`)
  const how = { ...options, kept: !busy }
  await prices.measure(toBePriced, how, inTime)
  const whole = toBePriced.length === sweep.cells.length && inTime()
  const smaller = whole ? await prices.smaller(sweep.cells, how) : []
  progress.end()
  const cells = sweep.cells.map((cell, index) =>
    isPriced(cell)
      ? pricedCell(cell, index, prices.of(cell))
      : planned(cell, index, measured.get(measureOf(cell.experiment))),
  )
  const seconds = cells.map((cell) => cell.estimated_seconds)
  const known = seconds.every((value) => value !== null)
  return {
    name: sweep.name,
    axes: sweep.axes,
    cells,
    measured: [...measured.values()].filter((one) => 'plan' in one).length,
    priced: prices.measured,
    estimated_seconds: known ? seconds.reduce((sum, value) => sum + value!, 0) : null,
    smaller,
  }
}

type Kinds = [kind: string, cell: Cell][]

/** Divides kinds of training into those that are priced and those that are measured. */
async function divided(kinds: Kinds): Promise<[Set<string>, Kinds]> {
  const priced = new Set<string>()
  for (const [kind, { experiment }] of kinds) {
    const costly = kinds.length > MOST_MEASURED || (await uncached(experiment)).length > 0
    if (costly && isPriceable(experiment)) priced.add(kind)
  }
  return [priced, kinds.filter(([kind]) => !priced.has(kind))]
}

async function measureKinds(
  kinds: Kinds,
  options: MeasureOptions,
  inTime: () => boolean,
): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>()
  const broken = new Broken()
  for (const [kind, { name, experiment }] of kinds) {
    if (!inTime()) break
    const known = broken.of(experiment)
    if (known === undefined)
      options.progress.phase(`Measuring training ${measured.size + 1} of ${kinds.length}: ${name}`)
    const one = known === undefined ? await measureApart(experiment, options) : { failure: known }
    if ('failure' in one) broken.add(experiment, one.failure)
    measured.set(kind, one)
  }
  return measured
}

/** Backbones or rows that can't be loaded fail every cell in the same way: two failures are enough to know. */
class Broken {
  readonly #failures = new Map<string, string[]>()

  add(experiment: Experiment, failure: string): void {
    const key = this.#key(experiment)
    this.#failures.set(key, [...(this.#failures.get(key) ?? []), failure])
  }

  of(experiment: Experiment): string | undefined {
    const [last, before] = (this.#failures.get(this.#key(experiment)) ?? []).toReversed()
    return last === before ? last : undefined
  }

  #key({ backbone, task }: Experiment): string {
    return JSON.stringify([backbone, task.name])
  }
}

function planned(cell: Cell, index: number, measured: Measured | undefined): PlannedCell {
  if (!measured || 'failure' in measured) return unknown(cell, index, measured?.failure)
  const { trained_parameters, steps, estimated_seconds, peak_memory_bytes, fits } = measured.plan
  return {
    ...{ ...headOf(cell, index), trained_parameters, steps, estimated_seconds, peak_memory_bytes, fits },
    basis: 'measured',
  }
}

function pricedCell(cell: Cell, index: number, price: ReturnType<Prices['of']>): PlannedCell {
  if (!price || 'failure' in price) return unknown(cell, index, price?.failure)
  const trained_parameters = countedWithoutWeights(cell.experiment)
  const { task } = cell.experiment
  const note =
    price.steps === null
      ? 'The number of its training rows is not known without a download.'
      : 'each_answer' in task && task.each_answer
        ? 'Training has a row for each answer; where the rows are not here, its queries are counted.'
        : undefined
  return { ...headOf(cell, index), trained_parameters, ...price, basis: 'priced', ...(note && { note }) }
}

const headOf = ({ name, axes }: Cell, index: number) => ({ index, name, axes })

function unknown(cell: Cell, index: number, failure: string | undefined): PlannedCell {
  const note = failure ?? `Not measured: that took more than ${BUDGET_SECONDS / 60} minutes.`
  const { steps = null } = cell.experiment.training
  return {
    ...{ ...headOf(cell, index), trained_parameters: countedWithoutWeights(cell.experiment), steps },
    ...{ estimated_seconds: null, peak_memory_bytes: null, fits: null, basis: null, note },
  }
}

/** Counts parameters from the dimensions alone, where they are known. */
function countedWithoutWeights({ backbone, method }: Experiment): number | null {
  const config = knownConfig(backbone)
  if (!config) return null
  const subject = { backbone: backbone.name, method: method.kind, changes: [], options: method, config }
  return parameterRows([subject], 1)[0]!.trained_parameters
}
