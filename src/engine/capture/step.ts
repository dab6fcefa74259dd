import type { Batch } from '../../task/batches.js'
import type tf from '../../tf.cjs'
import { dropoutBy } from '../dropout.js'
import type { Blueprint } from '../model.js'
import { ADAM, clipNorm } from '../optimizer.js'
import { constant, type Graph } from '../replay/graph.js'
import type { Library, Output } from '../replay/library.js'
import { variable } from '../replay/session.js'
import { TYPES } from '../replay/tensor.js'
import { lossAndGradient } from '../step.js'
import { batchInput, type Capture, type Captured, capture } from './capture.js'
import { type Precision, STATE } from './variables.js'

export type BatchShape = Pick<Batch, 'size' | 'sourceLength' | 'targetLength'>

export interface StepGraphOptions {
  dropout: number
  gradientClipNorm: number
  precision: Precision
  /** Whether a layer's tensors are forgotten and made again for the gradient. */
  checkpointActivations: boolean
}

/**
 * A whole training step: inputs are those of a batch, `dropout_keys`, `rate` and `epsilon`; outputs `loss` and
 * `gradient_norm`; `update` moves the trained vector and the moments, unless loss or gradient is no number.
 */
export function captureStep(
  library: Library,
  blueprint: Blueprint,
  shape: BatchShape,
  { dropout, gradientClipNorm, precision, checkpointActivations }: StepGraphOptions,
): Captured {
  return capture(library, blueprint, precision, (captured) => {
    const { loss, gradient } = recordGradient(captured, shape, { dropout, checkpointActivations })
    captured.fetch('loss', loss)
    recordUpdate(captured, { loss, gradient, gradientClipNorm })
  })
}

/** Which rows of the whole batch a part's are. */
export const PART_ROWS = 'part_rows'

/**
 * The gradient of a batch, or of some rows of one of `of` rows, whose masks they take: inputs are those of a batch,
 * `dropout_keys` and, of a part with dropout, `part_rows`; outputs `loss`, the mean over these rows' target tokens, and
 * `gradient` [size].
 */
export function captureGradient(
  library: Library,
  blueprint: Blueprint,
  shape: BatchShape & { of: number | undefined },
  { dropout, precision, checkpointActivations }: Omit<StepGraphOptions, 'gradientClipNorm'>,
): Captured {
  return capture(library, blueprint, precision, (captured) => {
    const { loss, gradient } = recordGradient(captured, shape, { dropout, checkpointActivations })
    captured.fetch('loss', loss)
    captured.fetch('gradient', gradient)
  })
}

/** The update of a gradient from outside: inputs `gradient` [size], `loss`, `rate` and `epsilon`; output `gradient_norm`. */
export function captureUpdate(
  library: Library,
  blueprint: Blueprint,
  { gradientClipNorm, precision }: Pick<StepGraphOptions, 'gradientClipNorm' | 'precision'>,
): Captured {
  return capture(library, blueprint, precision, (captured) => {
    const { recorder } = captured
    const input = (name: string, shape: number[]) => recorder.tensor(captured.input(name, new Float32Array(1), shape))
    const gradient = input('gradient', [blueprint.layout.size]) as tf.Tensor1D
    recordUpdate(captured, { loss: input('loss', []) as tf.Scalar, gradient, gradientClipNorm })
  })
}

function recordGradient(
  captured: Capture,
  { of, ...shape }: BatchShape & { of?: number | undefined },
  { dropout, checkpointActivations }: Pick<StepGraphOptions, 'dropout' | 'checkpointActivations'>,
) {
  const { recorder, model, vector, input, dropoutKey } = captured
  const part = of !== undefined && dropout > 0 ? { of, rows: new Int32Array(shape.size) } : undefined
  if (part) input(PART_ROWS, part.rows, [shape.size])
  return lossAndGradient(
    model,
    vector,
    batchInput(captured, shape),
    dropoutBy(dropout, dropoutKey, part),
    checkpointActivations ? recorder.after : undefined,
  )
}

interface Update {
  loss: tf.Scalar
  gradient: tf.Tensor1D
  gradientClipNorm: number
}

function recordUpdate({ graph, recorder, input, fetch, vector }: Capture, update: Update): void {
  const { clipped, norm } = clipNorm(update.gradient, update.gradientClipNorm)
  fetch('gradient_norm', norm)
  const measured = {
    loss: recorder.output(update.loss),
    norm: recorder.output(norm),
    gradient: recorder.output(clipped),
    rate: input('rate', new Float32Array(1), []),
    epsilon: input('epsilon', new Float32Array(1), []),
  }
  adamInPlace(graph, measured, vector.size)
}

interface Measured {
  loss: Output
  norm: Output
  gradient: Output
  rate: Output
  epsilon: Output
}

/** Adam in place; with a rate of 0 and moments that stay where loss or gradient is no number. */
function adamInPlace(graph: Graph, { loss, norm, gradient, rate, epsilon }: Measured, size: number): void {
  const float = { T: { type: TYPES.float32 } }
  const scalar = (name: string, value: number) => constant(graph, name, { shape: [], data: Float32Array.of(value) })
  const finiteness = (name: string, x: Output) =>
    graph.output({ type: 'IsFinite', name, inputs: [x], attributes: float })
  const finite = graph.output({
    type: 'LogicalAnd',
    name: 'finite',
    inputs: [finiteness('loss_is_finite', loss), finiteness('norm_is_finite', norm)],
  })
  const chosen = (name: string, x: Output, otherwise: Output) =>
    graph.output({ type: 'SelectV2', name, inputs: [finite, x, otherwise], attributes: float })
  const [zero, one] = [scalar('zero', 0), scalar('one', 1)]
  const handle = (name: string) => variable(graph, `update/${name}`, name, TYPES.float32, [size])
  graph.add({
    type: 'ResourceApplyAdam',
    name: 'update',
    inputs: [
      handle(STATE.vector),
      handle(STATE.first),
      handle(STATE.second),
      zero, // β₁ᵗ and β₂ᵗ: the rate has the bias correction already, in double precision
      zero,
      chosen('rate_or_none', rate, zero),
      chosen('beta1', scalar('decay1', ADAM.beta1), one),
      chosen('beta2', scalar('decay2', ADAM.beta2), one),
      epsilon,
      chosen('gradient_or_none', gradient, zero),
    ],
    attributes: { ...float, use_locking: { bool: false }, use_nesterov: { bool: false } },
  })
}
