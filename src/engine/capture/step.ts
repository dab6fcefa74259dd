import type { Pass } from '../../backbone/pass.js'
import type { Precision } from '../../base/choices.js'
import type { BatchShape } from '../../task/tokens/batches.js'
import { dropoutBy, noDropout, type Part } from '../../tensor/dropout.js'
import type tf from '../../tensor/tf.cjs'
import type { Library } from '../graph/library.js'
import { unflatten } from '../model/layout.js'
import { type Blueprint, type Model, passOf } from '../model/model.js'
import { batchLoss, lossAndGradient, tensorsOf } from '../model/step.js'
import type { Optimizer } from '../optimizer/optimizer.js'
import { batchInput, type Capture, type Captured, capture } from './capture.js'
import { recordUpdate } from './update.js'
import { decodedVariables } from './variables.js'

export interface StepGraphOptions {
  dropout: number
  labelSmoothing: number
  gradientClipNorm: number
  optimizer: Optimizer
  precision: Precision
  /** Whether a layer's tensors are dropped and computed again for the gradient. */
  checkpointActivations: boolean
}

/**
 * Captures a whole training step: inputs are those of a batch, `dropout_keys` and the optimiser's numbers; outputs are
 * `loss` and `gradient_norm`; `update` changes the trained vector and the moments, unless loss or gradient is not a
 * number.
 */
export function captureStep(
  library: Library,
  blueprint: Blueprint,
  shape: BatchShape,
  { gradientClipNorm, optimizer, precision, ...options }: StepGraphOptions,
): Captured {
  return capture(library, blueprint, precision, (captured) => {
    const { loss, gradient } = recordGradient(captured, shape, options)
    captured.fetch('loss', loss)
    recordUpdate(captured, { loss, gradient, gradientClipNorm, optimizer })
  })
}

/**
 * Captures the loss of a batch without dropout, from the weights that decoding reads: inputs are those of a batch; the
 * output is `loss`.
 */
export function captureLoss(library: Library, blueprint: Blueprint, shape: BatchShape): Captured {
  const body = (captured: Capture) => {
    const { model, vector, fetch, recorder } = captured
    const views = recorder.at('trained', () => unflatten(model.layout, vector))
    const pass = { ...decodingPass(model, views), at: recorder.at }
    fetch('loss', batchLoss(pass, batchInput(captured, shape)))
  }
  return capture(library, blueprint, 'float32', body, { frozen: decodedVariables(blueprint, 'float32') })
}

/** A pass with the weights that decoding reads: a method that makes them has made them already. */
function decodingPass(model: Model, views: tf.Tensor[]): Pass {
  const own = passOf(model, views, noDropout)
  if (model.method.weights !== 'made') return own
  return { ...own, hooks: {}, weight: (name) => model.frozen.get(name) ?? own.weight(name) }
}

/**
 * Captures what the head of an encoder says of a batch: inputs are those of a batch but the target; the output is
 * `answers`. `owner` is in front of the names of variables that belong to one run among several.
 */
export function captureAnswers(
  library: Library,
  blueprint: Blueprint,
  shape: BatchShape,
  { owner = '', precision = 'float32' }: { owner?: string; precision?: Precision } = {},
): Captured {
  const body = (captured: Capture) => {
    const { model, vector, fetch, recorder } = captured
    const views = recorder.at('trained', () => unflatten(model.layout, vector))
    const pass = { ...decodingPass(model, views), at: recorder.at }
    const batch = batchInput(captured, shape, shape.objective.asks)
    fetch('answers', shape.objective.answers!(pass, tensorsOf(batch)))
  }
  return capture(library, blueprint, precision, body, { frozen: decodedVariables(blueprint, precision), owner })
}

/** The input with the index of a part's first row in its batch. */
export const FIRST_ROW = 'first_row'

/**
 * Captures the gradient of some rows of a batch, whose masks they use: inputs are those of a batch and, with dropout,
 * `dropout_keys` and `first_row`; outputs are `loss`, the mean over these rows' target tokens, and `gradient` [size].
 */
export function captureGradient(
  library: Library,
  blueprint: Blueprint,
  shape: BatchShape,
  { precision, ...options }: Omit<StepGraphOptions, 'gradientClipNorm' | 'optimizer'>,
): Captured {
  return capture(library, blueprint, precision, (captured) => {
    const first = new Int32Array(1)
    let declared = false
    const dropoutKey = (place: string) => {
      if (!declared) captured.input(FIRST_ROW, first, []) // no graph without dropout reads it
      declared = true
      return captured.dropoutKey(place)
    }
    const part = { first, rows: shape.size }
    const { loss, gradient } = recordGradient({ ...captured, dropoutKey }, shape, { ...options, part })
    captured.fetch('loss', loss)
    captured.fetch('gradient', gradient)
  })
}

/**
 * Captures the update by a gradient from outside: inputs are `gradient` [size], `loss` and the optimiser's numbers; the
 * output is `gradient_norm`.
 */
export function captureUpdate(
  library: Library,
  blueprint: Blueprint,
  { gradientClipNorm, optimizer, precision }: Pick<StepGraphOptions, 'gradientClipNorm' | 'optimizer' | 'precision'>,
): Captured {
  return capture(library, blueprint, precision, (captured) => {
    const { recorder } = captured
    const input = (name: string, shape: number[]) => recorder.tensor(captured.input(name, new Float32Array(1), shape))
    const gradient = input('gradient', [blueprint.layout.size]) as tf.Tensor1D
    recordUpdate(captured, { loss: input('loss', []) as tf.Scalar, gradient, gradientClipNorm, optimizer })
  })
}

type LossGraphOptions = Pick<StepGraphOptions, 'dropout' | 'labelSmoothing' | 'checkpointActivations'>

function recordGradient(
  captured: Capture,
  shape: BatchShape,
  { dropout, labelSmoothing, checkpointActivations, part }: LossGraphOptions & { part?: Part },
) {
  const { recorder, model, vector, dropoutKey } = captured
  return lossAndGradient(model, vector, batchInput(captured, shape), dropoutBy(dropout, dropoutKey, part), {
    labelSmoothing,
    at: recorder.at,
    after: checkpointActivations ? recorder.after : undefined,
  })
}
