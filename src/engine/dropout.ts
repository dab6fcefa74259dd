import { hashSeed } from '../random.js'
import tf from '../tf.cjs'
import { droppedShare, keptMask } from './mask.js'

export type Dropout = <T extends tf.Tensor>(x: T, place: string) => T

export const noDropout: Dropout = (x) => x

/**
 * Zeroes each element with probability `rate`, to 2⁻¹⁷, and scales the rest so that the expectation stays. The mask depends
 * on nothing but (seed, step, place), so a step can be repeated to the bit.
 */
export function dropoutAt(rate: number, seed: number, step: number, part?: Part): Dropout {
  return dropoutBy(rate, (place) => dropoutKey(seed, step, place), part)
}

/** What a mask is made from: two int32. */
export const dropoutKey = (seed: number, step: number, place: string): [number, number] => [
  hashSeed(seed, place) | 0,
  step,
]

/** Some rows of a batch, by which they take their rows of its masks. */
export interface Part {
  /** Rows of the whole batch. */
  of: number
  /** Which of them, in order. */
  rows: Int32Array
}

/** Dropout whose masks come from the given keys; of a part of a batch, they are its rows of the whole batch's masks. */
export function dropoutBy(rate: number, key: (place: string) => [number, number] | Int32Array, part?: Part): Dropout {
  if (rate === 0) return noDropout
  const scale = 1 / (1 - droppedShare(rate))
  return (x, place) => {
    const kept = part ? partMask(x.shape, key(place), rate, part) : keptMask(x.shape, key(place), rate)
    return tf.mul(x, tf.mul(tf.cast(kept, 'float32'), scale))
  }
}

/** Every dropped-out tensor is row-major with the batch's rows outermost: [batch·…, …]. */
function partMask(shape: number[], key: [number, number] | Int32Array, rate: number, { of, rows }: Part): tf.Tensor {
  const each = tf.util.sizeFromShape(shape) / rows.length
  const whole = keptMask([of, each], key, rate)
  return tf.reshape(tf.gather(whole, tf.tensor1d(rows, 'int32')), shape)
}
