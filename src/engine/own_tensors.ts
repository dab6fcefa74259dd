import type { ParameterSpec } from '../method/method.js'
import type { Blueprint } from './model.js'

/**
 * The trained values with the method's own tensors as they started: its matrices, or all that it has of its own where it has
 * none (BitFit, intrinsic). Biases and norms beside matrices stay, since they learn where the matrices do not; so does
 * what is trained of the backbone. Undefined where all of it is the backbone's.
 */
export function ownReset({ layout }: Blueprint, trained: Float32Array, start: Float32Array): Float32Array | undefined {
  const own = layout.specs.filter(({ start }) => start.kind !== 'backbone')
  if (own.length === 0) return undefined
  const matrices = own.filter(({ shape }) => shape.length > 1)
  const chosen = new Set<ParameterSpec>(matrices.length > 0 ? matrices : own)
  const reset = trained.slice()
  let begin = 0
  for (const [i, spec] of layout.specs.entries()) {
    const end = begin + layout.sizes[i]!
    if (chosen.has(spec)) reset.set(start.subarray(begin, end), begin)
    begin = end
  }
  return reset
}
