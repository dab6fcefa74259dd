import { mix32 } from '../random.js'
import tf from '../tf.cjs'
import { statelessAtLeast } from './tensorflow.js'

/** Random bits an element: a rate is met to 2⁻¹⁷. */
const STEPS = 2 ** 16

/** The share of elements that a mask of that rate drops on average: the nearest multiple of 2⁻¹⁶, neither 0 nor 1. */
export const droppedShare = (rate: number): number => dropped(rate) / STEPS

const dropped = (rate: number) => Math.min(STEPS - 1, Math.max(1, Math.round(rate * STEPS)))

/**
 * Which elements a mask keeps: booleans of that shape from a stateless generator keyed by two int32. Same key and engine,
 * same mask, whatever ran before. TensorFlow's own generator there, a counter hash elsewhere.
 */
export function keptMask(shape: number[], key: [number, number] | Int32Array, rate: number): tf.Tensor {
  if (tf.getBackend() === 'tensorflow') return statelessAtLeast(shape, key, dropped(rate))
  return tf.tensor(counterAtLeast(tf.util.sizeFromShape(shape), key, dropped(rate)), shape, 'bool')
}

/** 1 where 16 bits are at least `least`: two a word, which is two rounds of a 32-bit mixer over its index, each keyed by one word of the key. */
export function counterAtLeast(size: number, key: [number, number] | Int32Array, least: number): Uint8Array {
  const [first, second] = key as [number, number]
  // The words are mixed into each other, so that neighbouring keys share no half.
  const a = mix32(first ^ mix32(second + 0x9e3779b9))
  const b = mix32(second ^ mix32(a + 0x85ebca6b))
  const kept = new Uint8Array(size)
  for (let i = 0; i < size; i += 2) {
    const word = mix32(mix32(i ^ a) + b)
    kept[i] = (word & 0xffff) >= least ? 1 : 0
    if (i + 1 < size) kept[i + 1] = word >>> 16 >= least ? 1 : 0
  }
  return kept
}
