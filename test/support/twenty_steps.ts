import { silent } from '../../src/base/progress.js'
import { alone, type Ranks } from '../../src/engine/cluster/ranks.js'
import { ranksStepper, shareOf } from '../../src/engine/cluster/stepper.js'
import { stateOfRankZero } from '../../src/engine/cluster/together.js'
import { disposeModel, startVector } from '../../src/engine/model/model.js'
import type { Gradient } from '../../src/engine/model/share.js'
import { eagerStepper, type PartStepper, replayStepper } from '../../src/engine/model/stepper.js'
import { learningRate } from '../../src/engine/optimizer/learning_rate.js'
import { startState } from '../../src/engine/optimizer/optimizer.js'
import { optimizerOf } from '../../src/engine/optimizer/optimizers.js'
import { prepareModel, preparePadding } from '../../src/engine/prepare/prepare.js'
import { closeAll, prepare } from '../../src/engine/train/prepared.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { type Batch, padBatch } from '../../src/task/tokens/batches.js'

export const STEPS = 20

/**
 * How far losses and values after twenty steps in parts may be from those of whole batches, of the largest. Sums that
 * are grouped otherwise differ in their last bits, and Adam moves a value whose gradient is all rounding as far as any
 * other: of nine million values there are some. At their presets' rates, SAID and prompt tuning make a difference of
 * one bit a large one within twenty steps, in one process too. How sums are grouped depends on the CPU:
 * Compacter's values were 1.5e-5 apart on one, and less than 1e-5 on others.
 */
export const METHODS = {
  compacter: 4e-5,
  full: 1e-4,
  'compacter training.optimizer=adafactor training.weight_decay=0.1': 1e-5,
  'intrinsic-said training.learning_rate=3e-3': 1e-5,
  'prompt-tuning-r training.learning_rate=3e-3': 1e-4,
  'prefix-tuning method.bottleneck=7': 1e-5,
  'compacter backbone=bert-nano task.kind=classification': 4e-5,
}

export interface Steps {
  losses: number[]
  /** The trained values after them. */
  vector: Float32Array
}

/**
 * Twenty steps of an experiment: on the ranks that share it, or in one process, by whole batches or by the shares that
 * so many ranks would have, one after the other. `settings` are a method and more of `--set`: `full
 * training.optimizer=adamw`.
 */
export async function twentySteps(
  file: string,
  settings: string,
  mode: 'replay' | 'eager',
  { ranks = alone, parts = 0 }: { ranks?: Ranks; parts?: number } = {},
): Promise<Steps> {
  const [method, ...sets] = settings.split(' ')
  const prepared = await prepare(loadExperiment(file, [`method=${method}`, ...sets]), silent)
  const { experiment, backbone } = prepared
  const { ladder } = preparePadding(prepared, mode)
  const { learning_rate: peak, warmup_steps: warmup, seed } = experiment.training
  const model = prepareModel(experiment, backbone, silent)
  const moments = optimizerOf(experiment.training).moments(model.layout)
  const vector = startVector(model, backbone.files.read, seed)
  const begun = { state: startState(vector, moments), run: { evaluatedStep: 0, seconds: 0 } }
  const { state } = await stateOfRankZero(ranks, async () => begun)
  const local =
    mode === 'eager'
      ? eagerStepper(model, experiment, state)
      : await replayStepper(model, experiment, state, { ...backbone.files, threads: 1 })
  const stepper = ranks.size > 1 ? ranksStepper(local, ranks, () => false) : local
  const losses: number[] = []
  for (let step = 0; step < STEPS; step++) {
    const batch = padBatch(prepared.train.tokens, prepared.plan.batch(step), model.config.padId, ladder)
    const rate = learningRate(step, { peak, warmup, steps: STEPS })
    const { result } =
      parts > 0 ? await local.update(await inParts(local, batch, parts), rate) : await stepper.step(batch, rate)
    losses.push(result.loss)
  }
  const trained = Float32Array.from(await (await stepper.state()).vector.data())
  stepper.free()
  disposeModel(model)
  closeAll(prepared)
  return { losses, vector: trained }
}

/** The gradient of a batch that so many ranks would share, summed in their order. */
async function inParts(stepper: PartStepper, batch: Batch, size: number): Promise<Gradient> {
  const sum = { loss: 0, values: new Float32Array(stepper.size) }
  for (let rank = 0; rank < size; rank++) {
    const share = shareOf(batch, { rank, size })
    if (!share) continue
    const { loss, values } = await stepper.gradient(share)
    sum.loss = Math.fround(sum.loss + Math.fround(share.weight * loss))
    for (let i = 0; i < values.length; i++) sum.values[i] = sum.values[i]! + Math.fround(share.weight * values[i]!)
  }
  return sum
}
