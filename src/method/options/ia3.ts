import { z } from 'zod'
import type { BackboneConfig } from '../../backbone/registry.js'
import type { MethodKind, MethodProblem } from './kind.js'
import { productProblems } from './problems.js'
import { besideProducts, targets } from './shared.js'

/** Trained vectors that scale the results of products, or their inputs. */
export const ia3Options = z.strictObject({
  kind: z.literal('ia3'),
  targets: targets('k', 'v', 'wo'),
  scaled_inputs: z
    .array(z.string().min(1))
    .default(['wo'])
    .describe('Those of the targets whose input is scaled, not their result.'),
  ...besideProducts('Where the scaled products are.'),
})
export type Ia3Options = z.infer<typeof ia3Options>

export const ia3Kind: MethodKind<Ia3Options> = {
  problems: scalingProblems,
  complexity: () => 'O(d)',
  inPyTorch: () => 'peft',
}

function scalingProblems(options: Ia3Options, config: BackboneConfig): MethodProblem[] {
  const { targets, scaled_inputs } = options
  const found = productProblems(options, config)
  const stray = scaled_inputs.find((name) => targets !== 'all' && !targets.includes(name))
  if (stray === undefined || found.length > 0) return found
  const problem = `method.scaled_inputs names ${JSON.stringify(stray)}, which is not one of method.targets.`
  const rest = scaled_inputs.filter((name) => targets === 'all' || targets.includes(name))
  const remedy = `Set method.scaled_inputs: [${rest.join(', ')}], or add ${stray} to method.targets.`
  return [{ path: ['scaled_inputs'], involved: [['targets']], problem, remedy }]
}
