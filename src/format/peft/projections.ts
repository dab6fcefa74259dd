import type { BackboneConfig } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import type { ParameterSpec } from '../../method/method.js'
import { veraOptions } from '../../method/options.js'
import { methodOf } from '../../method/registry.js'
import { startValues } from '../../method/start.js'
import type { ForeignFile, ForeignTensor } from '../foreign.js'
import { PEFT_PROJECTIONS } from './names.js'

/**
 * Checks that a file's projections of VeRA are those that its key draws in PyTorch: a run here draws them too, and
 * stores none.
 * @throws UserError where one is missing, or has another shape or other numbers.
 */
export function checkProjections({ path, tensors }: ForeignFile, method: object, config: BackboneConfig): void {
  const options = veraOptions.parse(method)
  for (const spec of methodOf(options).constants!(options, config)) {
    const name = PEFT_PROJECTIONS[spec.name as keyof typeof PEFT_PROJECTIONS]
    const refused = refusal(tensors.get(name), spec, options.projection_seed)
    if (refused) throw new UserError({ at: path, problem: `tensor ${name} ${refused.problem}`, remedy: refused.remedy })
  }
}

function refusal(stored: ForeignTensor | undefined, spec: ParameterSpec, key: number) {
  if (!stored) return { problem: 'is missing.', remedy: 'Save with save_projection=True.' }
  if (String(stored.shape) !== String(spec.shape))
    return {
      problem: `has the shape [${stored.shape.join(', ')}]; these products need [${spec.shape.join(', ')}].`,
      remedy: 'Save each adapter from a model of its own.',
    }
  const drawn = startValues(spec, 0, none)
  if (stored.read().every((value, i) => value === drawn[i])) return undefined
  return {
    problem: `is not what projection_prng_key ${key} draws, as a run here does.`,
    remedy: 'Keep the projections as peft draws them, in float32.',
  }
}

const none = () => {
  throw new Error('projections take nothing from the backbone')
}
