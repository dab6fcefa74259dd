import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { backbonePreset, readConfig } from '../../backbone/files/preset.js'
import { type BackboneConfig, withTwoLabels } from '../../backbone/registry.js'
import type { MeasureOptions } from '../../engine/apart/measure.js'
import { systemAvailable } from '../../engine/device/memory.js'
import { plannedSteps } from '../../engine/train/longer.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { extended } from '../../measure/price/layers.js'
import { type Priced, price } from '../../measure/price/price.js'
import type { PriceTrial } from '../../measure/price/trial.js'
import { TRAINING_ROWS } from '../../task/benchmark/sizes.js'
import { rowsAreHere } from '../../task/rows/source.js'
import { trainingSplit } from '../../task/rows/subsample.js'

/** Tokens of a target: a label or number with </s>, or a short text. */
const TARGET_TOKENS = { label: 5, text: 32 }

/** Options that change a step by less than the measurement errs: a step is measured for all their values. */
const SIZES = new Set(['n', 'rank', 'reduction_factor', 'dimension', 'alpha'])

/** A backbone's dimensions, where they are known without a download. */
export function knownConfig({ name, trim_vocabulary }: Experiment['backbone']): BackboneConfig | undefined {
  const preset = backbonePreset(name)
  if (!preset) return existsSync(join(name, 'config.json')) ? readConfig(name) : undefined
  const vocabulary = Math.min(preset.tokenizerVocabulary, preset.config.vocabulary)
  return trim_vocabulary ? { ...preset.config, vocabulary } : preset.config
}

/** Whether the steps that are measured for a price are those of this training. */
export const isPriceable = ({ backbone, training }: Experiment): boolean =>
  knownConfig(backbone) !== undefined &&
  training.micro_batch_size === undefined &&
  !training.checkpoint_activations &&
  training.optimizer !== 'adafactor'

/** Returns a text that is the same for experiments whose steps cost the same. */
export function priceOf({ backbone, method, task, training }: Experiment): string {
  const own = JSON.stringify(method, (key, value) => (SIZES.has(key) ? undefined : value))
  const { precision, engine_mode, source_length, target_length } = training
  return JSON.stringify([backbone, own, task.kind === 'text', precision, engine_mode, source_length, target_length])
}

/** How steps are measured, and whether they are kept for later commands. */
export type PriceOptions = MeasureOptions & { kept: boolean }

/** Measures the few steps from which the price of an experiment is reckoned. @throws Interrupted */
export const priceExperiment = (
  experiment: Experiment,
  options: PriceOptions,
  config = knownConfig(experiment.backbone)!,
): Promise<Priced> => price(trialOf(experiment, options, config), options)

function trialOf(
  { method, task, training }: Experiment,
  { engine, threads }: MeasureOptions,
  config: BackboneConfig,
): PriceTrial {
  return {
    config: withTwoLabels(config),
    options: method,
    sourceLength: training.source_length,
    targetLength: training.target_length ?? (task.kind === 'text' ? TARGET_TOKENS.text : TARGET_TOKENS.label),
    ...{ precision: training.precision, mode: training.engine_mode, engine: engine ?? 'auto' },
    threads: threads ?? availableParallelism(),
  }
}

export interface Price {
  steps: number | null
  estimated_seconds: number | null
  peak_memory_bytes: number
  /** Whether the memory that is free now is enough. */
  fits: boolean
}

/** Reckons what the training of an experiment costs from steps of the same cost; `rows` are its training rows. */
export function reckoned(
  { backbone, training }: Experiment,
  priced: Exclude<Priced, { failure: string }>,
  rows: number | null,
  { encoderLayers } = knownConfig(backbone)!,
): Price {
  const wanted = rowsAStep(training)
  const batch = Math.min(wanted, rows ?? wanted)
  const { seconds, bytes } = extended(priced.costs, encoderLayers, batch)
  const known = training.steps !== undefined || rows !== null
  const steps = known ? plannedSteps(training, Math.ceil((rows ?? batch) / batch)) : null
  return {
    steps,
    estimated_seconds: steps === null ? null : steps * seconds,
    peak_memory_bytes: Math.round(bytes),
    fits: bytes <= systemAvailable(),
  }
}

/** Counts a task's training rows where they are here; a benchmark's are known. Null where a download would say. */
export async function trainingRows({ subset, ...task }: Experiment['task']): Promise<number | null> {
  const whole = (await rowsAreHere(task))
    ? (await trainingSplit(task, { stratified: false })).rows
    : (TRAINING_ROWS[task.benchmark ?? ''] ?? null)
  return subset && whole !== null ? Math.min(subset.size, whole) : (subset?.size ?? whole)
}
