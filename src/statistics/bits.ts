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

/** Fills an array with bits. */
export function fillBits(bits: Bits, into: Int32Array): void {
  for (let i = 0; i < into.length; ) {
    let word = bits.word()
    for (const end = Math.min(into.length, i + 32); i < end; i++, word >>>= 1) into[i] = word & 1
  }
}
