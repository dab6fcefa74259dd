import type { Encoding, Tokenizer as NativeTokenizer } from 'tokenizers'
import { Int32List } from '../../../base/numbers/int32_list.js'
import { WordIndex } from './word_index.js'
import type { Wordwise } from './wordwise.js'

/** Words that the library encodes as one text: a call costs it as much as ten words. */
const TOGETHER = 64

/** In place of the count of a word's ids: its texts must be encoded as a whole. */
const IN_WHOLE = -1

interface Word {
  number: number
  /** With the blank before it, where the first word of a text differs from later ones. */
  text: string
}

/** The ids of words, for each of which the native library is asked once. */
export class WordIds {
  #native: NativeTokenizer
  #way: Wordwise
  #index = new WordIndex()
  #ids = new Int32List()
  /** Where in `#ids` each word's first is. */
  #firsts = new Int32List()
  /** How many ids each word has. */
  #counts = new Int32List()
  #asking: Promise<unknown> = Promise.resolve()

  constructor(native: NativeTokenizer, way: Wordwise) {
    this.#native = native
    this.#way = way
  }

  /** The number of words, about 100 bytes each. */
  get size(): number {
    return this.#index.size
  }

  /** Adds a text's words to `words`; returns false, after some or none, where it must be encoded as a whole. */
  read(text: string, words: Int32List): boolean {
    const end = this.#way.endOf(text)
    return end !== undefined && this.#index.read(text, end, words, this.#way.firstDiffers)
  }

  /** Asks the library for all words that were read and are not known. */
  async learn(): Promise<void> {
    const alone: Word[] = []
    while (this.#counts.length < this.size) {
      const word = { number: this.#counts.length, text: this.#index.text(this.#counts.length) }
      if (this.#way.isAlone(word.text.trimStart())) alone.push(word)
      this.#firsts.push(0)
      this.#counts.push(IN_WHOLE)
    }
    if (alone.length > 0) this.#asking = Promise.all([this.#asking, this.#ask(alone)])
    await this.#asking // also for words that a call before this one has asked for
  }

  /** Adds the ids of words[start, end) to `row`; returns false, after some, where one's text must be encoded whole. */
  copy(words: Int32List, start: number, end: number, row: Int32List): boolean {
    const [ids, firsts, counts] = [this.#ids.items, this.#firsts.items, this.#counts.items]
    for (let i = start; i < end; i++) {
      const word = words.items[i]!
      const [first, count] = [firsts[word]!, counts[word]!]
      if (count === IN_WHOLE) return false
      row.append(ids, first, first + count)
    }
    return true
  }

  /** Words that the library refuses stay IN_WHOLE: their texts tell why. */
  async #ask(words: Word[]): Promise<void> {
    const { firstDiffers } = this.#way
    const isFirst = ({ text }: Word) => firstDiffers && !text.startsWith(' ')
    const later = words.filter((word) => !isFirst(word))
    const groups = [...cut(words.filter(isFirst), 1), ...cut(later, TOGETHER)]
    const texts = groups.map((group) => group.map(({ text }) => text).join(firstDiffers ? '' : ' '))
    const encoded = await this.#native.encodeBatch(texts, { addSpecialTokens: false }).catch(() => [])
    for (const [i, encoding] of encoded.entries()) this.#take(groups[i]!, encoding)
  }

  #take(group: Word[], encoding: Encoding): void {
    const places = this.#way.cutsWords ? this.#placesOf(group, encoding) : encoding.getWordIds()
    for (const { number } of group) this.#counts.items[number] = 0
    for (const [i, id] of encoding.getIds().entries()) {
      const { number } = group[places[i]!]!
      if (this.#counts.items[number]!++ === 0) this.#firsts.items[number] = this.#ids.length
      this.#ids.push(id)
    }
  }

  /** Returns which of the group's words each id is of, in ascending order, by where its characters end in the text. */
  #placesOf(group: Word[], encoding: Encoding): number[] {
    const between = this.#way.firstDiffers ? 0 : 1
    let place = 0
    let end = group[0]!.text.length
    return encoding.getOffsets().map(([, last]) => {
      while (last! > end) end += between + group[++place]!.text.length
      return place
    })
  }
}

function cut<T>(items: T[], size: number): T[][] {
  const groups: T[][] = []
  for (let start = 0; start < items.length; start += size) groups.push(items.slice(start, start + size))
  return groups
}
