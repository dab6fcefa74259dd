import type { TensorSpec } from '../../backbone/family.js'
import { backboneTensors, headTensors } from '../../backbone/registry.js'
import type { ParameterSpec } from '../../method/method.js'
import { isOfNorm } from '../../method/unfrozen.js'
import type { PreparedSplit } from '../prepare/data.js'
import type { Blueprint } from './model.js'

/**
 * Returns the trained values with the method's own tensors as they started: its matrices, or everything of its own if
 * it has none (BitFit, intrinsic). Biases and norms keep their trained values if there are matrices, since they learn
 * even where the matrices do not; so do trained tensors of the backbone and an encoder's head. Undefined if the method
 * has no tensors of its own.
 */
export function ownReset(blueprint: Blueprint, trained: Float32Array, start: Float32Array): Float32Array | undefined {
  const { layout } = blueprint
  const chosen = ownTensors(blueprint)
  if (chosen.size === 0) return undefined
  const reset = trained.slice()
  let begin = 0
  for (const [i, spec] of layout.specs.entries()) {
    const end = begin + layout.sizes[i]!
    if (chosen.has(spec)) reset.set(start.subarray(begin, end), begin)
    begin = end
  }
  return reset
}

/** Returns a method's own matrices, or everything of its own if it has none. */
function ownTensors({ layout: { specs }, config }: Blueprint): Set<ParameterSpec> {
  const head = headTensors(config)
  const own = specs.filter(({ name, start }) => start.kind !== 'backbone' && !head.has(name))
  const matrices = own.filter(({ shape }) => shape.length > 1)
  return new Set(matrices.length > 0 ? matrices : own)
}

/**
 * Returns the warning that no answer of a split changes when the method's own tensors are reset. It names the other
 * trained tensors, which then account for everything that training has changed.
 */
export function nothingMoved(blueprint: Blueprint, { rows, name }: PreparedSplit): string {
  const { layout, config } = blueprint
  const own = ownTensors(blueprint)
  const tensors = backboneTensors(config)
  const head = headTensors(config)
  const kinds = layout.specs
    .filter((spec) => !own.has(spec))
    .map((spec) => (head.has(spec.name) ? 'head' : kindOf(spec, tensors)))
  const others = [...new Set(kinds)].sort()
  const same = `as they started, all ${rows} ${name} rows get the same answers.`
  const raise = 'More steps or a higher training.learning_rate may help.'
  if (others.length === 0) return `Training has changed no answer: with the trained tensors ${same} ${raise}`
  return (
    `The method's own matrices have changed no answer: with them ${same} Any change comes from the ` +
    `${others.join(' and ')}, which are trained too. ${raise}`
  )
}

function kindOf({ name, start }: ParameterSpec, tensors: Map<string, TensorSpec>): string {
  if (start.kind !== 'backbone') return name.includes('norm') ? 'layer norms' : 'biases'
  const role = tensors.get(name)?.role
  if (role === 'bias') return 'biases'
  return isOfNorm(role) ? 'layer norms' : role === 'table' ? 'embeddings' : 'output layer'
}
