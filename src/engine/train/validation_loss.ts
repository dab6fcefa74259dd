import type { Mode } from '../../base/choices.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import type { RowLoss } from '../../objective/objective.js'
import { type EvaluationBatch, evaluationBatches, padBatch, type TrainingPlan } from '../../task/tokens/batches.js'
import { type Ladder, ladderOf } from '../../task/tokens/lengths.js'
import { alone, type Ranks } from '../cluster/ranks.js'
import { sharedBatches } from '../cluster/shared_batches.js'
import type { LossDecoder, Prediction } from '../model/decoder.js'
import type { PreparedSplit } from '../prepare/data.js'

/** The rows of a split in batches for its loss. */
export interface LossBatches {
  batches: EvaluationBatch[]
  /** The lengths to pad to; without it, the next multiple of 8. */
  ladder: Ladder | undefined
}

/**
 * Returns batches of as many rows as a step computes at once, which fit into the memory; rows of similar length are
 * together. A replayed shape has a cost, so replay pads to few lengths.
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

/** Returns the mean loss of predictions that know theirs: those of a head; undefined of decoded texts. */
export function meanLoss(predictions: readonly Prediction[]): number | undefined {
  const losses = predictions.flatMap(({ loss }) => loss ?? [])
  return losses.length < predictions.length ? undefined : meanOf(losses)
}

function meanOf(losses: readonly RowLoss[]): number {
  const whole = { sum: 0, weight: 0 }
  for (const { sum, weight } of losses) {
    whole.sum += sum
    whole.weight += weight
  }
  return whole.sum / whole.weight
}

/**
 * Returns the mean cross-entropy over all target tokens of a split, including </s>, in nats: the loss that training
 * minimises, without dropout and label smoothing. Ranks take a batch each and exchange its sum, so that the mean does
 * not depend on their number.
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
    batch.inputs.target_mask.fill(0, real * batch.lengths.target) // repeats that fill the batch
    const weight = batch.objective.weight(batch.inputs, batch.lengths)
    return { sum: weight * (await decoder.loss(batch)), weight }
  }
  const losses: RowLoss[] = []
  for await (const sums of sharedBatches(batches, { ranks, interrupted }, sumOf)) losses.push(...sums)
  return meanOf(losses)
}
