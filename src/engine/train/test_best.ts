import { commandLine, quoted } from '../../base/command_line.js'
import { shownPath } from '../../base/yaml/source.js'
import type { RunFiles, Scores } from '../../run/directory.js'
import { areBestPossible } from '../../task/metrics/direction.js'
import { alone } from '../cluster/ranks.js'
import { floatsOfRankZero } from '../cluster/together.js'
import { type Evaluated, type Evaluation, evaluateWith, hintAtRanking, outputsOf } from '../evaluate/evaluate.js'
import { loadTrained } from '../model/checkpoint.js'
import { type Blueprint, type ReadTensor, startVector } from '../model/model.js'
import { nothingMoved, ownReset } from '../model/own_tensors.js'
import type { Stepper } from '../model/stepper.js'
import type { PreparedSplit } from '../prepare/data.js'

export interface Tested {
  test: Scores
  /** The answers of the best checkpoint. */
  answered: Record<'validation' | 'test', Evaluated>
  /** Whether the method's own tensors have changed any answer; undefined for a method without its own tensors. */
  own_tensors_moved_answers?: boolean
}

interface TestOptions {
  files: RunFiles
  step: number
  read: ReadTensor
  evaluation: Evaluation
  validation: PreparedSplit
  /** The best checkpoint's answers to the validation rows, where this process knows them. */
  validated: Evaluated | undefined
}

/**
 * Returns the test scores and all answers of the best checkpoint, and whether any test answer differs from that with
 * the method's own tensors as they started. Warns if none does and the scores could be better.
 */
export async function testBest(
  stepper: Stepper,
  blueprint: Blueprint,
  split: PreparedSplit,
  { files, step, read, evaluation, validation, validated }: TestOptions,
): Promise<Tested> {
  const { experiment, progress, ranks = alone } = evaluation
  progress.phase('Testing the best checkpoint')
  const written = ranks.rank === 0 ? loadTrained(files.best, blueprint, step) : undefined
  const best = await floatsOfRankZero(ranks, written)
  const evaluated = await evaluateWith(await stepper.decoder(best), split, evaluation)
  const again = async () => evaluateWith(await stepper.decoder(best), validation, evaluation)
  const answered = { validation: validated ?? (await again()), test: evaluated }
  const tested = { test: evaluated.scores, answered }
  if (experiment.training.scoring === 'generate')
    hintAtRanking(
      experiment.task.kind,
      evaluated,
      commandLine(`eval ${quoted(shownPath(files.folder))} --scoring rank`),
      progress,
    )
  if (experiment.training.start_from !== undefined) return tested // they started as another run's
  const reset = ownReset(blueprint, best, startVector(blueprint, read, experiment.training.seed))
  if (!reset) return tested
  progress.phase("Testing with the method's tensors as they started")
  const answers = evaluated.predictions.map(({ text }) => text)
  const moved = await answersOtherwise(stepper, reset, split, { evaluation, answers })
  if (!moved && !areBestPossible(evaluated.scores)) progress.warn(nothingMoved(blueprint, split))
  return { ...tested, own_tensors_moved_answers: moved }
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
