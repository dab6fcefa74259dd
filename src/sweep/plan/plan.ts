import { backbonePreset } from '../../backbone/files/preset.js'
import { parameterRows } from '../../count/parameters.js'
import { type Measured, type MeasureOptions, measureApart } from '../../engine/apart/measure.js'
import type { Experiment } from '../../experiment/schema.js'
import { measureOf } from './kind.js'
import type { Cell, LoadedSweep } from './load.js'
import { skippedLine } from './misfits.js'

/** After this many seconds no further measurement begins; the remaining cells are reported as not measured. */
const BUDGET_SECONDS = 600

/** What a cell would need. Null means not measured; `note` says why. */
export interface PlannedCell {
  index: number
  name: string
  axes: Record<string, unknown>
  trained_parameters: number | null
  steps: number | null
  /** Seconds of training only, estimated from a step on the longest rows. */
  estimated_seconds: number | null
  peak_memory_bytes: number | null
  /** Whether the memory that is free now is enough. */
  fits: boolean | null
  note?: string
}

/** What `--dry-run` prints. */
export interface SweepPlan {
  name: string
  axes: string[]
  cells: PlannedCell[]
  /** Training runs that were measured; cells that train alike share one. */
  measured: number
  /** Seconds of all cells one after the other; null if some were not measured. */
  estimated_seconds: number | null
}

/**
 * Counts every cell's parameters and takes a few steps of each kind of training, each in a process of its own so that
 * its memory is measured alone. Writes nothing.
 * @throws Interrupted when asked to stop.
 */
export async function planSweep(sweep: LoadedSweep, options: MeasureOptions): Promise<SweepPlan> {
  const { progress } = options
  if (sweep.skipped.length > 0) progress.warn(skippedLine(sweep.skipped))
  const kinds = new Map<string, Cell>()
  for (const cell of sweep.cells) {
    const kind = measureOf(cell.experiment)
    if (!kinds.has(kind)) kinds.set(kind, cell)
  }
  const measured = new Map<string, Measured>()
  const broken = new Broken()
  const started = performance.now()
  for (const [kind, { name, experiment }] of kinds) {
    if ((performance.now() - started) / 1000 > BUDGET_SECONDS) break
    const known = broken.of(experiment)
    if (known === undefined) progress.phase(`Measuring training ${measured.size + 1} of ${kinds.size}: ${name}`)
    const one = known === undefined ? await measureApart(experiment, options) : { failure: known }
    if ('failure' in one) broken.add(experiment, one.failure)
    measured.set(kind, one)
  }
  progress.end()
  const cells = sweep.cells.map((cell, index) => planned(cell, index, measured.get(measureOf(cell.experiment))))
  const seconds = cells.map((cell) => cell.estimated_seconds)
  const known = seconds.every((value) => value !== null)
  return {
    name: sweep.name,
    axes: sweep.axes,
    cells,
    measured: [...measured.values()].filter((one) => 'plan' in one).length,
    estimated_seconds: known ? seconds.reduce((sum, value) => sum + value!, 0) : null,
  }
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

function planned({ name, axes, experiment }: Cell, index: number, measured: Measured | undefined): PlannedCell {
  const head = { index, name, axes }
  const { steps } = experiment.training
  if (measured && 'plan' in measured) {
    const { trained_parameters, steps, estimated_seconds, peak_memory_bytes, fits } = measured.plan
    return { ...head, trained_parameters, steps, estimated_seconds, peak_memory_bytes, fits }
  }
  const note = measured ? measured.failure : `Not measured: that took more than ${BUDGET_SECONDS / 60} minutes.`
  const unknown = { estimated_seconds: null, peak_memory_bytes: null, fits: null, note }
  return { ...head, trained_parameters: countedWithoutWeights(experiment), steps: steps ?? null, ...unknown }
}

/** Counts parameters from the dimensions alone, where a preset has them. */
function countedWithoutWeights({ backbone, method }: Experiment): number | null {
  const preset = backbonePreset(backbone.name)
  if (!preset) return null
  const vocabulary = Math.min(preset.tokenizerVocabulary, preset.config.vocabulary)
  const config = backbone.trim_vocabulary ? { ...preset.config, vocabulary } : preset.config
  const subject = { backbone: backbone.name, method: method.kind, changes: [], options: method, config }
  return parameterRows([subject], 1)[0]!.trained_parameters
}
