import { type ColumnChance, chanceAmong } from '../run/compare/chance.js'
import type { Group } from '../run/compare/groups.js'
import { shownScore } from '../run/compare/spread.js'

/**
 * Returns the chance that the runs of a column have noted; the highest where they were trained on different rows.
 * Undefined for free text, which can't be guessed, and for runs of versions that did not note it.
 */
export function columnChance(groups: readonly Group[]): ColumnChance | undefined {
  const runs = groups.flatMap(({ finished }) => finished)
  return chanceAmong(
    runs.flatMap(({ result: { chance }, experiment }) => (chance ? [{ chance, task: experiment.task }] : [])),
    groups[0]?.metrics ?? [],
  )
}

/** Returns `chance: always positive (1), the commonest label in training: 50.00`. */
export const chanceNamed = ({ text }: ColumnChance, score: number): string => `chance: ${text}: ${shownScore(score)}`
