import { hashSeed } from '../random.js'
import tf from '../tf.cjs'
import { statelessUniform } from './uniform.js'

export type Dropout = <T extends tf.Tensor>(x: T, place: string) => T

export const noDropout: Dropout = (x) => x

/**
 * Zeroes each element with probability `rate` and scales the rest by 1 / (1 − rate). The mask depends on nothing but
 * (seed, step, place), so a step can be repeated to the bit.
 */
export function dropoutAt(rate: number, seed: number, step: number): Dropout {
  return dropoutBy(rate, (place) => dropoutKey(seed, step, place))
}

/** What a mask is made from: two int32. */
export const dropoutKey = (seed: number, step: number, place: string): [number, number] => [
  hashSeed(seed, place) | 0,
  step,
]

/** Rows of a larger batch, by which a part of it takes its rows of the masks. */
export interface Part {
  /** Rows of the whole batch. */
  of: number
  /** Its first row there. */
  from: number
  /** How many. */
  size: number
}

/** Dropout whose masks come from the given keys; of a part of a batch, they are its rows of the whole batch's masks. */
export function dropoutBy(rate: number, key: (place: string) => [number, number] | Int32Array, part?: Part): Dropout {
  if (rate === 0) return noDropout
  return (x, place) => {
    const uniform = part ? partUniform(x.shape, key(place), part) : statelessUniform(x.shape, key(place))
    const kept = tf.mul(tf.cast(tf.greaterEqual(uniform, rate), 'float32'), 1 / (1 - rate))
    return tf.mul(x, kept)
  }
}

/** Every dropped-out tensor is row-major with the batch's rows outermost: [batch·…, …]. */
function partUniform([first, ...rest]: number[], key: [number, number] | Int32Array, { of, from, size }: Part) {
  const each = first! / size
  const whole = statelessUniform([each * of, ...rest], key)
  return tf.slice(whole, [each * from, ...rest.map(() => 0)], [first!, ...rest])
}
