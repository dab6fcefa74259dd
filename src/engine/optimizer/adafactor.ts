import { elements } from '../../base/safetensors/safetensors.js'
import tf from '../../tensor/tf.cjs'
import { flatten, unflatten } from '../model/layout.js'
import type { Optimizer } from './optimizer.js'

/** Added to squares, so that a gradient of zeros can be divided by their root. */
const EPSILON = 1e-30
/** The largest root mean square of a tensor's update, as a multiple of the learning rate. */
const CLIP_THRESHOLD = 1
const DECAY_RATE = -0.8

/**
 * Returns the shapes of the means of rows and of columns; for a tensor with one dimension the shape of its second
 * moment.
 */
function factorShapes(shape: number[]): number[][] {
  if (shape.length < 2) return [shape]
  return [shape.slice(0, -1), [...shape.slice(0, -2), ...shape.slice(-1)]]
}

/**
 * Adafactor (Shazeer and Stern, arXiv 1804.04235) with a given learning rate, as transformers.optimization.Adafactor
 * with relative_step and scale_parameter off and no first moment. A tensor's last two dimensions are its rows and
 * columns.
 */
export const adafactor = (weightDecay: number): Optimizer => ({
  name: 'adafactor',
  moments: ({ specs }) => {
    const sizes = specs.flatMap(({ shape }) => factorShapes(shape).map(elements))
    return { factors: sizes.reduce((sum, size) => sum + size, 0) }
  },
  /** `share` says how far the second moment moves towards this step's squares; at the first step it is 1. */
  numbers: (learningRate, step) => ({
    rate: learningRate,
    left: 1 - learningRate * weightDecay,
    share: step ** DECAY_RATE,
  }),
  update({ vector, factors }, gradient, { rate, left, share }, layout) {
    const shapes = layout.specs.map(({ shape }) => factorShapes(shape))
    const parts = tf.split(factors!, shapes.flat().map(elements))
    const before = shapes.map((own) => own.map((shape) => tf.reshape(parts.shift()!, shape)))
    const gradients = unflatten(layout, gradient)
    const moved = gradients.map((gradient, i) => moments(before[i]!, gradient, share!))
    const directions = gradients.map((gradient, i) => clipped(tf.mul(gradient, inverseRoot(moved[i]!))))
    const move = tf.mul(flatten(layout, directions), rate!)
    return {
      vector: tf.sub(tf.mul(vector, left!), move) as tf.Tensor1D,
      factors: tf.concat1d(moved.flat().map((moment) => tf.reshape(moment, [-1]) as tf.Tensor1D)),
    }
  },
})

/** Returns the second moment of a tensor after its gradient: [row means, column means], or [all]. */
function moments(before: tf.Tensor[], gradient: tf.Tensor, share: tf.Scalar): tf.Tensor[] {
  const squares = tf.add(tf.square(gradient), EPSILON)
  const now = before.length === 1 ? [squares] : [tf.mean(squares, -1), tf.mean(squares, -2)]
  return before.map((moment, i) => tf.add(moment, tf.mul(tf.sub(now[i]!, moment), share)))
}

/** Returns 1 / √ of the second moment; with two factors, of their product [rows, columns]. */
function inverseRoot([rows, columns]: tf.Tensor[]): tf.Tensor {
  if (!columns) return tf.rsqrt(rows!)
  const ofRows = tf.rsqrt(tf.div(rows!, tf.mean(rows!, -1, true)))
  return tf.mul(tf.expandDims(ofRows, -1), tf.expandDims(tf.rsqrt(columns), -2))
}

/** Scales a direction so that its root mean square is at most the threshold. */
function clipped(direction: tf.Tensor): tf.Tensor {
  const rms = tf.sqrt(tf.mean(tf.square(direction)))
  return tf.div(direction, tf.maximum(1, tf.div(rms, CLIP_THRESHOLD)))
}
