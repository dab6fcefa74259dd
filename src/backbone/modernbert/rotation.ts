import tf from '../../tensor/tf.cjs'

/** Cosines and sines of the angles by which pairs of a head's elements are rotated, each [1, 1, length, d_kv]. */
export interface Rotation {
  cos: tf.Tensor4D
  sin: tf.Tensor4D
}

/** Angles of position p and pair i: p·θ^(−2i / d_kv), in float32 as in transformers (RoFormer, arXiv 2104.09864). */
export function rotationOf(length: number, dKv: number, theta: number): Rotation {
  const frequencies = frequenciesOf(dKv, theta)
  const angles = Float32Array.from({ length: length * dKv }, (_, at) => Math.floor(at / dKv) * frequencies[at % dKv]!)
  const shape: [number, number, number, number] = [1, 1, length, dKv]
  return { cos: tf.tensor4d(angles.map(Math.cos), shape), sin: tf.tensor4d(angles.map(Math.sin), shape) }
}

/** What a position is multiplied by for each element of a head. */
export const frequenciesOf = (dKv: number, theta: number): Float32Array =>
  Float32Array.from({ length: dKv }, (_, at) => 1 / Math.fround(theta ** Math.fround((2 * (at % (dKv / 2))) / dKv)))

/** x [batch, heads, length, d_kv], rotated: element i goes with element i + d_kv / 2. */
export function rotated(x: tf.Tensor4D, { cos, sin }: Rotation): tf.Tensor4D {
  const [first, second] = tf.split(x, 2, 3)
  return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second!), first!], 3), sin))
}
