/** Counts texts that are cut. */
export interface CutTally {
  /**
   * Adds texts by their number of tokens before the cut, including `</s>`; −n where the first n were counted and there
   * are more.
   */
  add(whole: Iterable<number>): void
  /**
   * Returns a line for the log: `2 of 64 sources of train are longer than training.source_length (128 tokens) …`;
   * undefined where none was cut.
   */
  line(texts: string, key: string): string | undefined
}

/** Returns a tally of texts that are cut to `limit` tokens. */
export function cutTally(limit: number): CutTally {
  let texts = 0
  let cut = 0
  let longest = 0
  let isLonger = false
  return {
    add(whole) {
      for (const tokens of whole) {
        texts++
        if (Math.abs(tokens) > limit) cut++
        if (tokens < 0) isLonger = true
        longest = Math.max(longest, Math.abs(tokens))
      }
    },
    line(what, key) {
      if (cut === 0) return undefined
      const are = cut === 1 ? 'is' : 'are'
      const most = `${shown(longest)}${isLonger ? ' or more' : ''}`
      return (
        `${shown(cut)} of ${shown(texts)} ${what} ${are} longer than ${key} (${shown(limit)} tokens) and ` +
        `${are} cut there; the longest has ${most}.`
      )
    },
  }
}

const shown = (count: number) => count.toLocaleString('en')
