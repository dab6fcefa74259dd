import type { Experiment } from '../../experiment/schema.js'
import { type NamedLabels, namesAmong, shownLabel } from '../../task/labels/label_names.js'
import { bestFirst } from '../../task/metrics/direction.js'
import type { Chance } from '../directory.js'
import { meanOf } from './spread.js'

/** The score of a guess that looks at no row: the least that a column is worth. */
export interface ColumnChance {
  validation: number
  test: number
  /** How it is guessed, in words. */
  text: string
}

/** Returns the highest of these chances by the mean of these metrics; for errors the lowest. */
export function chanceAmong(
  runs: readonly { chance: Chance; task: Experiment['task'] }[],
  metrics: readonly string[],
): ColumnChance | undefined {
  if (runs.length === 0) return undefined
  const [validation, test] = (['validation', 'test'] as const).map(
    (split) => runs.map(({ chance }) => meanOf(chance[split], metrics)).sort(bestFirst(metrics))[0]!,
  )
  const ways = new Set(
    runs.map(({ chance: { by, guess = '' }, task }) => {
      if (by === 'uniform') return GUESSES.uniform
      return `always ${shownLabel(guess, namesAmong(task as NamedLabels, [guess]))}, ${GUESSES[by]}`
    }),
  )
  const texts = [...ways]
  const text = texts.length === 1 ? texts[0]! : GUESSES[runs[0]!.chance.by]
  return { validation: validation!, test: test!, text }
}

const GUESSES = {
  majority_class: 'the commonest label in training',
  mean: 'the mean of the training rows',
  uniform: "one of the row's choices at random",
}
