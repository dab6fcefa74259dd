import type { PreparedSplit } from '../prepare/data.js'

/**
 * Counts the rows of each target text, by tokens, since a training split may have more rows than fit into memory as
 * text.
 */
export function countedTargets({
  tokens,
  rows,
  targetText,
}: Pick<PreparedSplit, 'tokens' | 'rows' | 'targetText'>): Map<string, number> {
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
