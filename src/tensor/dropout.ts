import { hashSeed } from '../base/numbers/random.js'
import { after } from './after.js'
import { droppedShare, keptMask } from './mask.js'
import tf from './tf.cjs'

/** Which elements a place keeps, as booleans, and what these are multiplied by. */
export interface Kept {
  mask: tf.Tensor
  scale: number
}

export interface Dropout {
  /** Drops elements of x; `rate` is another than usual. */
  <T extends tf.Tensor>(x: T, place: string, rate?: number): T
  /** Returns what is kept of x; undefined where nothing is dropped. */
  kept(x: tf.Tensor, place: string, rate?: number): Kept | undefined
}

export const noDropout: Dropout = Object.assign(<T>(x: T) => x, { kept: () => undefined })

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
  const kept: Dropout['kept'] = (x, place, own = rate) => {
    if (own === 0) return undefined
    // every dropped-out tensor is row-major with the batch's rows outermost: [batch·…, …]
    const from = part && { row: part.first, each: x.size / part.rows }
    const mask = after(x, () => keptMask(x.shape, key(place), own, from))
    return { mask, scale: 1 / (1 - droppedShare(own)) }
  }
  const dropped = <T extends tf.Tensor>(x: T, place: string, own?: number): T => {
    const ofX = kept(x, place, own)
    return ofX ? scaledWhere(ofX, x) : x
  }
  return Object.assign(dropped, { kept })
}

/** The factor of each element: scale or 0. */
export const keptFactors = (mask: tf.Tensor, scale: number): tf.Tensor => tf.mul(tf.cast(mask, 'float32'), scale)

/** Returns x·scale where the mask is, else 0. For the gradient the mask is kept as booleans, a byte each. */
function scaledWhere<T extends tf.Tensor>({ mask, scale }: Kept, x: T): T {
  const masked = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc]
    save([mask])
    const gradFunc = (dy: tf.Tensor, [mask]: tf.Tensor[]) => tf.mul(dy, keptFactors(mask!, scale))
    return { value: tf.mul(x, keptFactors(mask, scale)), gradFunc }
  })
  return masked(x) as T
}
