import { z } from 'zod'
import { type BackboneConfig, backboneTensors } from '../../backbone/registry.js'
import type { MethodKind, MethodProblem } from './kind.js'

/** Training in a random subspace of all the weights: θ = θ₀ + λⱼ·Pⱼ(v). */
export const intrinsicOptions = z.strictObject({
  kind: z.literal('intrinsic'),
  dimension: z
    .int()
    .min(1)
    .default(20000)
    .describe('Trained numbers: v, and with `said` one λ per tensor of the backbone.'),
  said: z.boolean().default(true).describe('Whether each tensor of the backbone has its own trained scale λ.'),
  projection: z
    .enum(['fastfood', 'dense'])
    .default('fastfood')
    .describe('Structured projection, regenerated when needed, or a dense Gaussian one: small backbones only.'),
  projection_seed: z.int().min(0).default(42).describe('Seed of the projection, which is not stored.'),
})
export type IntrinsicOptions = z.infer<typeof intrinsicOptions>

export const intrinsicKind: MethodKind<IntrinsicOptions> = {
  problems: dimensionProblems,
  complexity: () => 'O(1)',
  // A projection of every weight can't be a hook of a module, and a slow imitation would flatter us.
  inPyTorch: () => undefined,
}

function dimensionProblems(options: IntrinsicOptions, config: BackboneConfig): MethodProblem[] {
  const tensors = backboneTensors(config).size
  const { dimension, said } = options
  if (!said || dimension > tensors) return []
  const problem = `method.dimension is ${dimension}; with said it must exceed the backbone's tensors (${tensors}).`
  return [{ path: ['dimension'], problem, remedy: 'The paper uses 20000.' }]
}
