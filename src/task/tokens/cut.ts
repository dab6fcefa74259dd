import { counted } from '../../base/text/counted.js'
import type { Objective } from '../../objective/objective.js'
import type { CutRows } from './tokenise.js'

/** Returns how many words of a cut row have no token, from its target; undefined where words have no answers. */
export const wordsLeftOut = ({ places }: Objective) =>
  places && ((target: Int32Array) => places(target).filter((place) => place < 0).length)

/** Adds the sources of rows, and their words that are left out. */
export function addCut(tally: CutTally, limit: number, { target, whole }: CutRows, objective: Objective): void {
  const words = wordsLeftOut(objective)
  for (const [row, tokens] of whole.source.entries())
    tally.add([tokens], Math.abs(tokens) > limit ? words?.(target[row]!) : 0)
}

/** Counts texts that are cut. */
export interface CutTally {
  /**
   * Adds texts by their number of tokens before the cut, including `</s>`; −n where the first n were counted and there
   * are more; and how many of their words are left out.
   */
  add(whole: Iterable<number>, words?: number): void
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
  let leftOut = 0
  return {
    add(whole, words = 0) {
      leftOut += words
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
      const words =
        leftOut === 0 ? '' : ` ${counted(leftOut, 'word')} beyond it ${leftOut === 1 ? 'is' : 'are'} tagged O.`
      return (
        `${shown(cut)} of ${shown(texts)} ${what} ${are} longer than ${key} (${shown(limit)} tokens) and ` +
        `${are} cut there; the longest has ${most}.${words}`
      )
    },
  }
}

const shown = (count: number) => count.toLocaleString('en')
