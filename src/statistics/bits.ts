import { MersenneTwister } from '../base/numbers/random.js'

/** Random bits, each 0 or 1 with probability ½. */
export interface Bits {
  /** Returns 32 bits, as a whole number from 0. */
  word(): number
}

/** Returns the bits of the Mersenne Twister. */
export function randomBits(seed: number): Bits {
  const generator = new MersenneTwister(seed)
  return { word: () => generator.uint32() }
}

/** Returns a whole number, uniform in [0, limit); the bias of the multiplication is below limit / 2³². */
export const below = (bits: Bits, limit: number): number => Math.floor(bits.word() * limit * 2 ** -32)

/** Returns how many of so many bits are 1: a binomial number. */
export function onesAmong(bits: Bits, count: number): number {
  let ones = 0
  for (let rest = count; rest > 0; rest -= 32) {
    const word = bits.word()
    ones += onesOf(rest >= 32 ? word : word & (2 ** rest - 1))
  }
  return ones
}

/** Fills an array with bits. */
export function fillBits(bits: Bits, into: Uint8Array): void {
  for (let i = 0; i < into.length; ) {
    let word = bits.word()
    for (const end = Math.min(into.length, i + 32); i < end; i++, word >>>= 1) into[i] = word & 1
  }
}

/** Counts the ones of a 32-bit word, two, four and eight bits at a time. */
function onesOf(word: number): number {
  let counts = word - ((word >>> 1) & 0x55555555)
  counts = (counts & 0x33333333) + ((counts >>> 2) & 0x33333333)
  return Math.imul((counts + (counts >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
