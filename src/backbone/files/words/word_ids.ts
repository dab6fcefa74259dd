import type { Tokenizer as NativeTokenizer } from 'tokenizers'
import { Int32List } from '../../../base/numbers/int32_list.js'
import { WordIndex } from './word_index.js'

/** The ids of words, for each of which the native library is asked once. */
export interface WordIds {
  /** The number of words, about 100 bytes each. */
  readonly size: number
  /** Adds the words of a text to `words`, as `WordIndex.read` does. */
  read(text: string, end: number, words: Int32List): boolean
  /** Asks the library for all words that were read. */
  learn(): Promise<void>
  /** Adds the ids of words[start, end) to `row`; returns false where one's text must be encoded as a whole. */
  copy(words: Int32List, start: number, end: number, row: Int32List): boolean
}

/** Words that the library encodes as one text: a call costs it as much as ten words. */
const TOGETHER = 64

/** In place of the count of a word's ids: its texts must be encoded as a whole. */
const IN_WHOLE = -1

/** `isAlone` says whether a word may be encoded without its text. */
export function wordIds(native: NativeTokenizer, isAlone: (word: string) => boolean): WordIds {
  const index = new WordIndex()
  const ids = new Int32List()
  /** Where in `ids` a word's first is, and how many it has. */
  const [firsts, counts] = [new Int32List(), new Int32List()]

  /** Words that the library refuses stay IN_WHOLE: their texts tell why. */
  async function askFor(words: number[]): Promise<void> {
    const groups: number[][] = []
    for (let start = 0; start < words.length; start += TOGETHER) groups.push(words.slice(start, start + TOGETHER))
    const texts = groups.map((group) => group.map((word) => index.text(word)).join(' '))
    const encoded = await native.encodeBatch(texts, { addSpecialTokens: false }).catch(() => [])
    for (const [i, group] of groups.entries()) {
      if (encoded[i]) take(group, encoded[i].getIds(), encoded[i].getWordIds())
    }
  }

  /** `places` says which of the group's words each id is of, in ascending order. */
  function take(group: number[], found: number[], places: (number | null | undefined)[]): void {
    for (const word of group) counts.items[word] = 0
    for (const [i, id] of found.entries()) {
      const word = group[places[i]!]!
      if (counts.items[word]!++ === 0) firsts.items[word] = ids.length
      ids.push(id)
    }
  }

  let asking: Promise<unknown> = Promise.resolve()
  return {
    get size() {
      return index.size
    },
    read: (text, end, words) => index.read(text, end, words),
    async learn() {
      const alone: number[] = []
      while (counts.length < index.size) {
        if (isAlone(index.text(counts.length))) alone.push(counts.length)
        firsts.push(0)
        counts.push(IN_WHOLE)
      }
      if (alone.length > 0) asking = Promise.all([asking, askFor(alone)])
      await asking // also for words that a call before this one has asked for
    },
    copy(words, start, end, row) {
      for (let i = start; i < end; i++) {
        const word = words.items[i]!
        const [first, count] = [firsts.items[word]!, counts.items[word]!]
        if (count === IN_WHOLE) return false
        row.append(ids.items, first, first + count)
      }
      return true
    },
  }
}
