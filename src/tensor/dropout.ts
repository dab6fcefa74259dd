import { hashSeed } from '../base/numbers/random.js'
import { droppedShare, keptMask } from './mask.js'
import tf from './tf.cjs'

/** Drops elements of x; `rate` is another than usual. */
export type Dropout = <T extends tf.Tensor>(x: T, place: string, rate?: number) => T

export const noDropout: Dropout = (x) => x

/**
 * Zeroes each element with probability `rate`, to 2⁻¹⁷, and scales the rest so that the expectation is unchanged. The
 * mask depends only on (seed, step, place), so a step can be repeated to the bit.
 */
export function dropoutAt(rate: number, seed: number, step: number, part?: Part): Dropout {
  return dropoutBy(rate, (place) => dropoutKey(seed, step, place), part)
}

/** Returns the two int32 that a mask is made from. */
export const dropoutKey = (seed: number, step: number, place: string): [number, number] => [
  hashSeed(seed, place) | 0,
  step,
]

/** Consecutive rows of a batch, which use their rows of the batch's masks. */
export interface Part {
  /** The index of the first of them in the batch: one int32. */
  first: Int32Array
  /** How many there are. */
  rows: number
}

/**
 * Dropout with masks from the given keys. For a part of a batch, they are the part's rows of the whole batch's masks.
 */
export function dropoutBy(rate: number, key: (place: string) => [number, number] | Int32Array, part?: Part): Dropout {
  return (x, place, own = rate) => {
    if (own === 0) return x
    const scale = 1 / (1 - droppedShare(own))
    // every dropped-out tensor is row-major with the batch's rows outermost: [batch·…, …]
    const from = part && { row: part.first, each: x.size / part.rows }
    return scaledWhere(keptMask(x.shape, key(place), own, from), x, scale)
  }
}

/** Returns x·scale where `kept` is, else 0. For the gradient the mask is kept as booleans, a byte each. */
function scaledWhere<T extends tf.Tensor>(kept: tf.Tensor, x: T, scale: number): T {
  const scaled = (y: tf.Tensor, kept: tf.Tensor) => tf.mul(y, tf.mul(tf.cast(kept, 'float32'), scale))
  const masked = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc]
    save([kept])
    return { value: scaled(x, kept), gradFunc: (dy: tf.Tensor, [kept]: tf.Tensor[]) => scaled(dy, kept!) }
  })
  return masked(x) as T
}
