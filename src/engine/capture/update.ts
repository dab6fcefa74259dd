import type tf from '../../tensor/tf.cjs'
import { constant, type Graph } from '../graph/graph.js'
import type { Output } from '../graph/library.js'
import { variable } from '../graph/session.js'
import { TYPES, type Values } from '../graph/tensor.js'
import { ADAM } from '../optimizer/adam.js'
import { clipNorm, hasRelativeRates, keptOf, type Optimizer, updated } from '../optimizer/optimizer.js'
import type { Capture } from './capture.js'
import { readVariable, STATE } from './variables.js'

const FLOAT = { type: TYPES.float32 }

export interface Update {
  loss: tf.Scalar
  gradient: tf.Tensor1D
  gradientClipNorm: number
  optimizer: Optimizer
}

/**
 * Clips a gradient and updates the state with it; inputs are the optimiser's numbers, the output is `gradient_norm` and
 * the operation `update`. Where loss or gradient is not a number the state is unchanged.
 */
export function recordUpdate(captured: Capture, { loss, gradient, gradientClipNorm, optimizer }: Update): void {
  const { graph, recorder, fetch } = captured
  const { clipped, norm } = recorder.at('update', () => clipNorm(gradient, gradientClipNorm))
  fetch('gradient_norm', norm)
  const chosen = onlyIfFinite(graph, [recorder.output(loss), recorder.output(norm)])
  const inputs = Object.keys(optimizer.numbers(1, 1)).map(
    (name) => [name, captured.input(name, new Float32Array(1), [])] as const,
  )
  const update = { optimizer, gradient: clipped, numbers: Object.fromEntries(inputs), chosen }
  if (optimizer.name === 'adafactor' || hasRelativeRates(captured.model.layout)) recordOpByOp(captured, update)
  else adamInPlace(captured, update)
}

/** Returns x, or `otherwise` if loss or gradient is not a number. */
type Chosen = (name: string, x: Output, otherwise: Output) => Output

function onlyIfFinite(graph: Graph, numbers: [Output, Output]): Chosen {
  const finiteness = (x: Output, index: number) =>
    graph.output({ type: 'IsFinite', name: `finite_${index}`, inputs: [x], attributes: { T: FLOAT } })
  const finite = graph.output({ type: 'LogicalAnd', name: 'finite', inputs: numbers.map(finiteness) })
  return (name, x, otherwise) =>
    graph.output({ type: 'SelectV2', name, inputs: [finite, x, otherwise], attributes: { T: FLOAT } })
}

interface Recorded {
  optimizer: Optimizer
  gradient: tf.Tensor1D
  numbers: Record<string, Output>
  chosen: Chosen
}

/** Records the optimiser's own operations, then an assignment of everything that it keeps. */
function recordOpByOp({ graph, recorder, vector, model }: Capture, update: Recorded): void {
  const { optimizer, gradient, numbers, chosen } = update
  const moments = Object.entries(optimizer.moments(model.layout)).map(([name, size]) => {
    const kept = { name: STATE[name as keyof typeof STATE], shape: [size], type: 'float32' as const }
    return [name, recorder.tensor(readVariable(graph, kept))]
  })
  const before = { vector, ...Object.fromEntries(moments) }
  const scalars = Object.entries(numbers).map(([name, number]) => [name, recorder.tensor(number)])
  const after = recorder.at('update', () =>
    updated(optimizer, before, gradient, Object.fromEntries(scalars), model.layout),
  )
  const assigned = keptOf(after).map(([name, tensor]) => {
    const value = chosen(`${name}_or_before`, recorder.output(tensor), recorder.output(before[name]))
    return assign(graph, name, value, tensor.size)
  })
  graph.add({ type: 'NoOp', name: 'update', after: assigned })
}

/** Records TensorFlow's fused Adam, with a rate of 0 and unchanged moments where there is no update. */
function adamInPlace({ graph, recorder, vector }: Capture, { gradient, numbers, chosen }: Recorded): void {
  const scalar = (name: string, value: number) => constant(graph, name, { shape: [], data: Float32Array.of(value) })
  const [zero, one] = [scalar('zero', 0), scalar('one', 1)]
  const handle = (name: keyof typeof STATE) => handleOf(graph, `update/${STATE[name]}`, name, vector.size)
  const { rate, epsilon, left } = numbers
  const decay = () => {
    const inputs = [recorder.output(vector), chosen('left_or_all', left!, one)]
    const value = graph.output({ type: 'Mul', name: 'decayed', inputs, attributes: { T: FLOAT } })
    return assign(graph, 'vector', value, vector.size)
  }
  graph.add({
    type: 'ResourceApplyAdam',
    name: 'update',
    inputs: [
      handle('vector'),
      handle('first'),
      handle('second'),
      zero, // β₁ᵗ and β₂ᵗ: the rate already contains the bias correction, in double precision
      zero,
      chosen('rate_or_none', rate!, zero),
      chosen('beta1', scalar('decay1', ADAM.beta1), one),
      chosen('beta2', scalar('decay2', ADAM.beta2), one),
      epsilon!,
      chosen('gradient_or_none', recorder.output(gradient), zero),
    ],
    attributes: { T: FLOAT, use_locking: { bool: false }, use_nesterov: { bool: false } },
    after: left ? [decay()] : [],
  })
}

const handleOf = (graph: Graph, name: string, kept: keyof typeof STATE, size: number): Output =>
  variable(graph, name, STATE[kept], TYPES.float32, [size])

function assign(graph: Graph, kept: keyof typeof STATE, value: Output, size: number) {
  const inputs = [handleOf(graph, `assign_${kept}/handle`, kept, size), value]
  return graph.add({ type: 'AssignVariableOp', name: `assign_${kept}`, inputs, attributes: { dtype: FLOAT } })
}

/** Returns the numbers of an update, by the names of its inputs; `step` counts from 0. */
export function numberFeeds(optimizer: Optimizer, learningRate: number, step: number): Record<string, Values> {
  const numbers = Object.entries(optimizer.numbers(learningRate, step + 1))
  return Object.fromEntries(numbers.map(([name, number]) => [name, { shape: [], data: Float32Array.of(number) }]))
}
