import { tagsIn } from '../../task/words/tagged.js'
import type { PreparedSplit } from '../prepare/data.js'

/** Counts the words of each tag of a split. */
export function countedTags({ tokens, rows, targetText }: Counted): Map<string, number> {
  const counts = new Map<string, number>()
  for (let row = 0; row < rows; row++)
    for (const tag of tagsIn(targetText(tokens.target(row)))) counts.set(tag, (counts.get(tag) ?? 0) + 1)
  return counts
}

type Counted = Pick<PreparedSplit, 'tokens' | 'rows' | 'targetText'>

/**
 * Counts the rows of each target text, by tokens, since a training split may have more rows than fit into memory as
 * text.
 */
export function countedTargets({ tokens, rows, targetText }: Counted): Map<string, number> {
  const texts = new Map<string, string>()
  const counts = new Map<string, number>()
  for (let row = 0; row < rows; row++) {
    const ids = tokens.target(row)
    const key = ids.join(' ')
    const text = texts.get(key) ?? targetText(ids)
    texts.set(key, text)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return counts
}
