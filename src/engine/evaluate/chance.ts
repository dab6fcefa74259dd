import { assertNever } from '../../base/assert_never.js'
import { silent } from '../../base/progress.js'
import type { Chance } from '../../run/directory.js'
import { type Example, rounded } from '../../task/example.js'
import type { PreparedSplit } from '../prepare/data.js'
import { countedTags, countedTargets } from './counted_targets.js'
import { type Evaluation, scoresOf } from './evaluate.js'

/**
 * Returns the score of a guess that looks at no row: always the commonest label of the training rows, always their
 * mean, or one of the row's own choices at random. Undefined for free text, which can't be guessed.
 */
export async function chanceOf(
  { train, validation, test }: { train: PreparedSplit; validation: PreparedSplit; test: PreparedSplit },
  evaluation: Evaluation,
): Promise<Chance | undefined> {
  const { task } = evaluation.experiment
  const always = async (
    by: 'majority_class' | 'mean',
    guess: string | undefined,
    whole: (example: Example) => string = () => guess!,
  ): Promise<Chance | undefined> => {
    if (guess === undefined) return undefined
    const scored = async (split: PreparedSplit) => {
      const examples = await split.examples()
      const texts = examples.map(whole)
      return scoresOf(texts, examples, evaluation, silent)
    }
    return { by, guess, validation: await scored(validation), test: await scored(test) }
  }
  switch (task.kind) {
    case 'classification':
      return always('majority_class', commonest(countedTargets(train)))
    case 'regression':
      return always('mean', meanOf(countedTargets(train), task.step))
    case 'multiple_choice':
      return { by: 'uniform', validation: await anyChoice(validation), test: await anyChoice(test) }
    case 'token_classification': {
      const tag = commonest(countedTags(train))
      return always('majority_class', tag, ({ words }) => words!.map(() => tag).join(' '))
    }
    case 'text':
      return undefined
    default:
      return assertNever(task, 'kind of task')
  }
}

/** Returns the accuracy × 100 of a guess among a row's choices. */
async function anyChoice(split: PreparedSplit): Promise<{ accuracy: number }> {
  const examples = await split.examples()
  const right = examples.reduce((sum, { choices }) => sum + 1 / choices!.length, 0)
  return { accuracy: (100 * right) / examples.length }
}

/** Returns the first of the commonest. */
const commonest = (targets: Map<string, number>): string | undefined =>
  [...targets].reduce<[string, number] | undefined>((a, b) => (a && a[1] >= b[1] ? a : b), undefined)?.[0]

/**
 * Returns the mean as a target is written: rounded to the task's step. Undefined where a tokenizer does not write
 * numbers as numbers.
 */
function meanOf(targets: Map<string, number>, step: number): string | undefined {
  const entries = [...targets].map(([text, rows]) => ({ value: Number(text), rows }))
  const total = entries.reduce((sum, { rows }) => sum + rows, 0)
  const mean = entries.reduce((sum, { value, rows }) => sum + value * rows, 0) / total
  return Number.isFinite(mean) ? rounded(mean, step) : undefined
}
