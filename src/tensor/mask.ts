import { mix32 } from '../base/numbers/random.js'
import { type From, statelessAtLeast } from './stateless.js'
import tf from './tf.cjs'

/** The number of values of 16 random bits, which each element gets: a rate is met to 2⁻¹⁷. */
const STEPS = 2 ** 16

/** The share of elements that a mask of that rate drops on average: the nearest multiple of 2⁻¹⁶, neither 0 nor 1. */
export const droppedShare = (rate: number): number => dropped(rate) / STEPS

const dropped = (rate: number) => Math.min(STEPS - 1, Math.max(1, Math.round(rate * STEPS)))

/**
 * Returns which elements a mask keeps: booleans of that shape from a stateless generator keyed by two int32. The same
 * key and engine give the same mask, whatever ran before. The engine `tensorflow` uses TensorFlow's own generator, the
 * others a counter hash. `from` returns only the rows of a larger mask from that one on.
 */
export function keptMask(shape: number[], key: [number, number] | Int32Array, rate: number, from?: From): tf.Tensor {
  if (tf.getBackend() === 'tensorflow') return statelessAtLeast(shape, key, dropped(rate), from)
  const first = from ? from.row[0]! * from.each : 0
  return tf.tensor(counterAtLeast(tf.util.sizeFromShape(shape), key, dropped(rate), first), shape, 'bool')
}

/**
 * Returns 1 where 16 random bits are at least `least`, from element `first` on. Each word serves two elements: it is
 * two rounds of a 32-bit mixer over the index of the pair, each keyed by one word of the key.
 */
export function counterAtLeast(size: number, key: [number, number] | Int32Array, least: number, first = 0): Uint8Array {
  const [one, two] = key as [number, number]
  // The words are mixed into each other, so that neighbouring keys share no half.
  const a = mix32(one ^ mix32(two + 0x9e3779b9))
  const b = mix32(two ^ mix32(a + 0x85ebca6b))
  const kept = new Uint8Array(size)
  const odd = first % 2
  for (let i = -odd; i < size; i += 2) {
    const word = mix32(mix32((first + i) ^ a) + b)
    if (i >= 0) kept[i] = (word & 0xffff) >= least ? 1 : 0
    if (i + 1 < size) kept[i + 1] = word >>> 16 >= least ? 1 : 0
  }
  return kept
}
