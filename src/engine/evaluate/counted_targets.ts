import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import type { PreparedSplit } from '../prepare/data.js'

/**
 * Counts the rows of each target text, by tokens, since a training split may have more rows than fit into memory as
 * text.
 */
export function countedTargets(
  { tokens, rows }: Pick<PreparedSplit, 'tokens' | 'rows'>,
  tokenizer: Tokenizer,
): Map<string, number> {
  const byIds = new Map<string, { ids: Int32Array; rows: number }>()
  for (let row = 0; row < rows; row++) {
    const ids = tokens.target(row)
    const key = ids.join(' ')
    const known = byIds.get(key)
    if (known) known.rows++
    else byIds.set(key, { ids, rows: 1 })
  }
  return new Map([...byIds.values()].map(({ ids, rows }) => [tokenizer.decode(ids).trim(), rows]))
}
