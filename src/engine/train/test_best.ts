import { commandLine, quoted } from '../../base/command_line.js'
import { shownPath } from '../../base/yaml/source.js'
import type { RunFiles, Scores } from '../../run/directory.js'
import { areBestPossible } from '../../task/metrics/direction.js'
import { alone } from '../cluster/ranks.js'
import { floatsOfRankZero } from '../cluster/together.js'
import { type Evaluation, evaluateWith, hintAtRanking, outputsOf } from '../evaluate/evaluate.js'
import { loadTrained } from '../model/checkpoint.js'
import { type Blueprint, type ReadTensor, startVector } from '../model/model.js'
import { nothingMoved, ownReset } from '../model/own_tensors.js'
import type { Stepper } from '../model/stepper.js'
import type { PreparedSplit } from '../prepare/data.js'

export interface Tested {
  test: Scores
  /** Whether the method's own tensors have changed any answer; undefined for a method without its own tensors. */
  own_tensors_moved_answers?: boolean
}

/**
 * Returns the test scores of the best checkpoint, and whether any answer differs from that with the method's own
 * tensors as they started. Warns if none does and the scores could be better.
 */
export async function testBest(
  stepper: Stepper,
  blueprint: Blueprint,
  split: PreparedSplit,
  { files, step, read, evaluation }: { files: RunFiles; step: number; read: ReadTensor; evaluation: Evaluation },
): Promise<Tested> {
  const { experiment, progress, ranks = alone } = evaluation
  progress.phase('Testing the best checkpoint')
  const written = ranks.rank === 0 ? loadTrained(files.best, blueprint, step) : undefined
  const best = await floatsOfRankZero(ranks, written)
  const evaluated = await evaluateWith(await stepper.decoder(best), split, evaluation)
  if (experiment.training.scoring === 'generate')
    hintAtRanking(
      experiment.task.kind,
      evaluated,
      commandLine(`eval ${quoted(shownPath(files.folder))} --scoring rank`),
      progress,
    )
  if (experiment.training.start_from !== undefined) return { test: evaluated.scores } // they started as another run's
  const reset = ownReset(blueprint, best, startVector(blueprint, read, experiment.training.seed))
  if (!reset) return { test: evaluated.scores }
  progress.phase("Testing with the method's tensors as they started")
  const answers = evaluated.predictions.map(({ text }) => text)
  const moved = await answersOtherwise(stepper, reset, split, { evaluation, answers })
  if (!moved && !areBestPossible(evaluated.scores)) progress.warn(nothingMoved(blueprint, split))
  return { test: evaluated.scores, own_tensors_moved_answers: moved }
}

/** Whether any row is answered differently with other trained values; rows are decoded until one is. */
async function answersOtherwise(
  stepper: Stepper,
  vector: Float32Array,
  split: PreparedSplit,
  { evaluation, answers }: { evaluation: Evaluation; answers: string[] },
): Promise<boolean> {
  const decoder = await stepper.decoder(vector)
  try {
    for await (const outputs of outputsOf(decoder, split, evaluation))
      if (outputs.some(({ row, text }) => text !== answers[row])) return true
    return false
  } finally {
    await decoder.dispose()
  }
}
