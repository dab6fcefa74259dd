import type { Batch } from '../../task/batches.js'
import { dropoutBy, type Part } from '../dropout.js'
import type { Blueprint } from '../model.js'
import { ADAM, clipNorm } from '../optimizer.js'
import { constant, type Graph } from '../replay/graph.js'
import type { Library, Output } from '../replay/library.js'
import { variable } from '../replay/session.js'
import { TYPES } from '../replay/tensor.js'
import { lossAndGradient } from '../step.js'
import { batchInput, type Captured, capture } from './capture.js'
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
    const { graph, recorder, model, vector } = captured
    const batch = batchInput(captured, shape)
    const { loss, gradient } = lossAndGradient(
      model,
      vector,
      batch,
      dropoutBy(dropout, captured.dropoutKey),
      checkpointActivations ? recorder.after : undefined,
    )
    const { clipped, norm } = clipNorm(gradient, gradientClipNorm)
    captured.fetch('loss', loss)
    captured.fetch('gradient_norm', norm)
    const rate = captured.input('rate', new Float32Array(1), [])
    const epsilon = captured.input('epsilon', new Float32Array(1), [])
    const [lossOutput, normOutput] = [recorder.output(loss), recorder.output(norm)]
    update(
      graph,
      { loss: lossOutput, norm: normOutput, gradient: recorder.output(clipped), rate, epsilon },
      vector.size,
    )
  })
}

/**
 * The gradient of a part of a batch: inputs are those of a batch and `dropout_keys`; outputs `loss`, the mean over the
 * part's target tokens, and `gradient` [size]. The trained vector may be fed as `trained/read`.
 */
export function captureGradient(
  library: Library,
  blueprint: Blueprint,
  shape: BatchShape,
  { dropout, precision, checkpointActivations, part }: Omit<StepGraphOptions, 'gradientClipNorm'> & { part: Part },
): Captured {
  return capture(library, blueprint, precision, (captured) => {
    const { recorder, model, vector } = captured
    const batch = batchInput(captured, shape)
    const { loss, gradient } = lossAndGradient(
      model,
      vector,
      batch,
      dropoutBy(dropout, captured.dropoutKey, part),
      checkpointActivations ? recorder.after : undefined,
    )
    captured.fetch('loss', loss)
    captured.fetch('gradient', gradient)
  })
}

interface Measured {
  loss: Output
  norm: Output
  gradient: Output
  rate: Output
  epsilon: Output
}

/** Adam in place; with a rate of 0 and moments that stay where loss or gradient is no number. */
function update(graph: Graph, { loss, norm, gradient, rate, epsilon }: Measured, size: number): void {
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
