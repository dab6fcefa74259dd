import tf from '../tf.cjs'
import { statelessRandomUniform } from './tensorflow.js'

/**
 * Uniform float32 numbers in [0, 1) of that shape from a stateless generator keyed by two int32:
 * same key and engine, same numbers, whatever ran before. TensorFlow's own generator there, a counter hash elsewhere.
 */
export function statelessUniform(shape: number[], key: [number, number] | Int32Array): tf.Tensor {
  if (tf.getBackend() === 'tensorflow') return statelessRandomUniform(shape, key)
  return tf.tensor(counterUniform(tf.util.sizeFromShape(shape), key), shape, 'float32')
}

/** Each number is two rounds of a 32-bit mixer over its index, the first keyed by one word and the second by the other. */
export function counterUniform(size: number, key: [number, number] | Int32Array): Float32Array {
  const [first, second] = key as [number, number]
  // The words are mixed into each other, so that neighbouring keys share no half.
  const a = mix32(first ^ mix32(second + 0x9e3779b9))
  const b = mix32(second ^ mix32(a + 0x85ebca6b))
  const numbers = new Float32Array(size)
  for (let i = 0; i < size; i++) numbers[i] = (mix32(mix32(i ^ a) + b) >>> 8) * 2 ** -24
  return numbers
}

/** The bijection `lowbias32` of Chris Wellons' hash-prospector: avalanche bias 0.17. */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}
