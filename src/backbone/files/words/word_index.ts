import { Int32List } from '../../../base/numbers/int32_list.js'

const BLANK = 0x20

/** The longest word that is numbered: long ones rarely come again. */
const LONGEST_WORD = 64

/** FNV-1a, over UTF-16 units. */
const [EMPTY_HASH, HASH_FACTOR] = [0x811c9dc5 | 0, 0x01000193]

/**
 * Numbers words from 0, in the order in which they are met. A word is looked up as a part of its text: to make a string
 * of it, as a `Map` needs, takes longer than to find it.
 */
export class WordIndex {
  /** 1 + the word that is in a slot, or 0. Half of the slots stay free, so that a search ends soon. */
  #slots = new Int32Array(2 ** 12)
  #hashes = new Int32List()
  /** UTF-16 units of all words, one word's after the other's. */
  #units = new Int32List()
  /** Where in `#units` a word ends. */
  #ends = new Int32List()

  get size(): number {
    return this.#hashes.length
  }

  /**
   * Adds the words of text[0, end), between which there are single blanks, to `words`; words that are new get the
   * numbers from `size` on. With `blanks`, each word but the first has the blank before it. Returns false, after some
   * words or none, where one is longer than those that are numbered.
   */
  read(text: string, end: number, words: Int32List, blanks: boolean): boolean {
    for (let start = 0, at = 0; at < end; start = blanks ? at : ++at) {
      let hash = EMPTY_HASH
      do {
        hash = Math.imul(hash ^ text.charCodeAt(at), HASH_FACTOR)
        at++
      } while (at < end && text.charCodeAt(at) !== BLANK)
      if (at - start > LONGEST_WORD) return false
      words.push(this.#numberOf(text, start, at, hash))
    }
    return true
  }

  /** Returns a copy of a word, which keeps no text in memory. */
  text(word: number): string {
    return String.fromCharCode(...this.#units.items.subarray(this.#startOf(word), this.#ends.items[word]!))
  }

  #numberOf(text: string, start: number, end: number, hash: number): number {
    const slots = this.#slots
    const last = slots.length - 1
    let slot = slotOf(hash) & last
    for (; slots[slot] !== 0; slot = (slot + 1) & last) {
      const word = slots[slot]! - 1
      if (this.#hashes.items[word] === hash && this.#is(word, text, start, end)) return word
    }
    this.#hashes.push(hash)
    for (let at = start; at < end; at++) this.#units.push(text.charCodeAt(at))
    this.#ends.push(this.#units.length)
    slots[slot] = this.size
    if (2 * this.size > slots.length) this.#addSlots()
    return this.size - 1
  }

  #startOf(word: number): number {
    return word === 0 ? 0 : this.#ends.items[word - 1]!
  }

  #is(word: number, text: string, start: number, end: number): boolean {
    const units = this.#units.items
    let unit = this.#startOf(word)
    if (this.#ends.items[word]! - unit !== end - start) return false
    for (let at = start; at < end; at++) if (units[unit++] !== text.charCodeAt(at)) return false
    return true
  }

  #addSlots(): void {
    const slots = new Int32Array(2 * this.#slots.length)
    for (let word = 0; word < this.size; word++) {
      let slot = slotOf(this.#hashes.items[word]!) & (slots.length - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = word + 1
    }
    this.#slots = slots
  }
}

/** Mixes the high bits of a hash, which are FNV-1a's better ones, into the low ones, which choose a slot. */
const slotOf = (hash: number): number => hash ^ (hash >>> 15)
