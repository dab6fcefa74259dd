import type { Mode } from '../../base/choices.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { type EvaluationBatch, evaluationBatches, padBatch, type TrainingPlan } from '../../task/tokens/batches.js'
import { type Ladder, ladderOf } from '../../task/tokens/lengths.js'
import { alone, type Ranks } from '../cluster/ranks.js'
import { sharedBatches } from '../cluster/shared_batches.js'
import type { LossDecoder } from '../model/decoder.js'
import type { PreparedSplit } from '../prepare/data.js'

/** The rows of a split as its loss is computed. */
export interface LossBatches {
  batches: EvaluationBatch[]
  /** Lengths to pad to; the next multiple of 8 without it. */
  ladder: Ladder | undefined
}

/**
 * As many rows at once as a step computes, which fit into the memory then; of like length. A replayed shape costs something,
 * so that a replay pads to few lengths.
 */
export function lossBatches(
  { lengths, targetLengths }: Pick<PreparedSplit, 'lengths' | 'targetLengths'>,
  training: Experiment['training'],
  { mode, steps }: { mode: Mode; steps: number },
): LossBatches {
  const { micro_batch_size = rowsAStep(training), evaluation_batch_size, evaluate_every } = training
  const size = Math.min(micro_batch_size, evaluation_batch_size, lengths.length)
  const batches = evaluationBatches(lengths, size)
  if (mode === 'eager') return { batches, ladder: undefined }
  const plan: TrainingPlan = {
    stepsPerEpoch: batches.length,
    order: 'grouped_by_length',
    batch: (step) => batches[step % batches.length]!.rows,
  }
  const rows = { source: lengths, target: targetLengths }
  const evaluations = Math.ceil(steps / (evaluate_every ?? steps))
  return { batches, ladder: ladderOf(rows, plan, size, batches.length * evaluations) }
}

/**
 * Mean cross-entropy over all target tokens of a split, </s> included, in nats: the loss that a training minimises, without
 * dropout and label smoothing. Ranks take a batch each and give each other its sum, so that the mean is the same however many there are.
 * @throws Interrupted where any rank is asked to stop
 */
export async function splitLoss(
  decoder: LossDecoder,
  { tokens }: Pick<PreparedSplit, 'tokens'>,
  { batches, ladder }: LossBatches,
  {
    ranks = alone,
    interrupted = () => false,
  }: { ranks?: Ranks | undefined; interrupted?: (() => boolean) | undefined },
): Promise<number> {
  const sumOf = async ({ rows, real }: EvaluationBatch) => {
    const batch = padBatch(tokens, rows, decoder.padId, ladder)
    batch.targetMask.fill(0, real * batch.targetLength) // repeats that fill the batch
    const count = batch.targetMask.reduce((sum, one) => sum + one, 0)
    return { sum: count * (await decoder.loss(batch)), count }
  }
  const whole = { sum: 0, count: 0 }
  for await (const sums of sharedBatches(batches, { ranks, interrupted }, sumOf))
    for (const { sum, count } of sums) {
      whole.sum += sum
      whole.count += count
    }
  return whole.sum / whole.count
}
