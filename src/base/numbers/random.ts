import { mersenne } from 'pure-rand/generator/mersenne'

/** MT19937, the generator behind PyTorch's CPU random numbers. Matsumoto and Nishimura 1998; seeding of 2002. */
export class MersenneTwister {
  readonly #generator

  /** As `init_genrand`; only the low 32 bits of the seed count. */
  constructor(seed: number) {
    this.#generator = mersenne(seed)
  }

  /** Returns the next whole number, uniform in [0, 2³²). */
  uint32(): number {
    return this.#generator.next() >>> 0
  }

  /** Returns a number uniform in [0, 1), a multiple of 2⁻²⁴: every value is a float32, so rounding can't make it 1. */
  uniform(): number {
    return (this.uint32() >>> 8) * 2 ** -24
  }
}

/** Returns 0 … n−1 in the order of `torch.randperm(n, generator=torch.Generator().manual_seed(seed))` on the CPU. */
export function randperm(n: number, seed: number): Int32Array {
  const generator = new MersenneTwister(seed)
  const order = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = 0; i < n - 1; i++) {
    const j = i + (generator.uint32() % (n - i))
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
  return order
}

/**
 * Returns a well-mixed uint32 for a seed and its purpose, such as ('order', epoch) or a tensor's name, so that one seed
 * gives each purpose its own stream. Numbers count in all their 64 bits; 1 and '1' differ, and so do ('ab', 'c') and
 * ('a', 'bc').
 */
export function hashSeed(seed: number, ...words: (string | number)[]): number {
  let hash = absorbNumber(0, seed)
  for (const word of words) hash = typeof word === 'number' ? absorbNumber(hash, word) : absorbText(hash, word)
  return finish(hash)
}

/** Returns uniform float32 numbers from low up to high, the same on every machine. */
export function uniformArray(length: number, seed: number, low: number, high: number): Float32Array {
  const generator = new MersenneTwister(seed)
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) values[i] = low + (high - low) * generator.uniform()
  return values
}

/**
 * Returns the numbers that `tensor.uniform_(low, high, generator=torch.Generator().manual_seed(seed))` draws on the
 * CPU, float32, after `after` others: PyTorch takes the low 24 bits, and rounds the bounds first.
 */
export function torchUniform(length: number, seed: number, after: number, low: number, high: number): Float32Array {
  const generator = new MersenneTwister(seed)
  for (let i = 0; i < after; i++) generator.uint32()
  const from = Math.fround(low)
  const range = Math.fround(Math.fround(high) - from)
  return Float32Array.from({ length }, () => (generator.uint32() & 0xffffff) * 2 ** -24 * range + from)
}

/**
 * Returns float32 numbers from N(0, std²), by Marsaglia's polar method: it needs no sine or cosine, whose last bits
 * differ between versions of Node.
 */
export function normalArray(length: number, seed: number, std: number): Float32Array {
  const generator = new MersenneTwister(seed)
  const values = new Float32Array(length)
  for (let i = 0; i < length; ) {
    const x = 2 * generator.uniform() - 1
    const y = 2 * generator.uniform() - 1
    const s = x * x + y * y
    if (s >= 1 || s === 0) continue
    const scale = std * Math.sqrt((-2 * Math.log(s)) / s)
    values[i++] = scale * x
    if (i < length) values[i++] = scale * y
  }
  return values
}

const bits = new DataView(new ArrayBuffer(8))

function absorbNumber(hash: number, value: number): number {
  bits.setFloat64(0, value)
  return absorb(absorb(absorb(hash, 1), bits.getUint32(0)), bits.getUint32(4))
}

function absorbText(hash: number, text: string): number {
  hash = absorb(absorb(hash, 2), text.length)
  for (let i = 0; i < text.length; i++) hash = absorb(hash, text.charCodeAt(i))
  return hash
}

/** Mixes one block of MurmurHash3 (x86, 32 bits) into the hash. */
function absorb(hash: number, word: number): number {
  word = Math.imul(word, 0xcc9e2d51)
  word = (word << 15) | (word >>> 17)
  hash ^= Math.imul(word, 0x1b873593)
  hash = (hash << 13) | (hash >>> 19)
  return (Math.imul(hash, 5) + 0xe6546b64) | 0
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The bijection `lowbias32` of Chris Wellons' hash-prospector: avalanche bias 0.17. */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}
