import { hashSeed, mix32 } from '../../base/numbers/random.js'
import type { FastfoodParts } from './fastfood.js'

const STEPS = 2 ** 16
const radii = Float32Array.from({ length: STEPS }, (_, i) => Math.sqrt(-2 * Math.log((i + 0.5) / STEPS)))
const angle = (i: number) => (2 * Math.PI * (i + 0.5)) / STEPS
const cosines = Float32Array.from({ length: STEPS }, (_, i) => Math.cos(angle(i)))
const sines = Float32Array.from({ length: STEPS }, (_, i) => Math.sin(angle(i)))

/**
 * Returns float32 numbers from N(0, 1), the same for the same key on every machine, starting at an even place of the
 * stream: Box and Muller's method, with radius and angle each from one half of a counter's hash. No number is beyond
 * 4.9.
 */
export function regeneratedNormals(length: number, [first, second]: [number, number], from = 0): Float32Array {
  const normals = new Float32Array(length)
  for (let i = 0; i < length; i += 2) {
    const hash = mix32(mix32(((from + i) / 2) ^ first) + second)
    const radius = radii[hash >>> 16]!
    normals[i] = radius * cosines[hash & 0xffff]!
    normals[i + 1] = radius * sines[hash & 0xffff]!
  }
  return normals
}

export const keyOf = (seed: number, ...words: string[]): [number, number] => [
  hashSeed(seed, ...words, 0),
  hashSeed(seed, ...words, 1),
]

/** Returns B, Π and G of a tensor's projection of length 2^bits, generated anew from the seed each time. */
export function regeneratedParts(seed: number, tensor: string, bits: number): FastfoodParts {
  // int32, which V8 adds fast
  const words = (use: string) => [0, 1, 2].map((round) => hashSeed(seed, tensor, use, round) | 0) as Three
  const multipliers = words('multiplier').map((word) => word | 1) as Three
  return {
    name: `${seed}/${tensor}`,
    signs: (count) => regeneratedNormals(count, keyOf(seed, tensor, 'signs')).map((normal) => (normal < 0 ? -1 : 1)),
    permutation: () => permuted(bits, multipliers, words('addend')),
    gaussian: () => regeneratedNormals(2 ** bits, keyOf(seed, tensor, 'gaussian')),
  }
}

type Three = [number, number, number]

/**
 * Returns 0 … 2^bits − 1 in an order made by three rounds of x → m·x + a, x → x ⊕ (x ≫ bits/2): each is a bijection of
 * numbers of that many bits. It needs no memory besides its result, and 2^24 take 0.1 s where Fisher and Yates's
 * shuffle takes 2.3 s.
 */
function permuted(bits: number, [m0, m1, m2]: Three, [a0, a1, a2]: Three): Int32Array {
  const places = new Int32Array(2 ** bits)
  const mask = places.length - 1
  const shift = (bits + 1) >> 1
  for (let i = 0; i < places.length; i++) {
    let x = (Math.imul(i, m0) + a0) & mask
    x = (Math.imul(x ^ (x >>> shift), m1) + a1) & mask
    x = (Math.imul(x ^ (x >>> shift), m2) + a2) & mask
    places[i] = x ^ (x >>> shift)
  }
  return places
}
