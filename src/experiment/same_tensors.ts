import type { BackboneConfig } from '../backbone/registry.js'
import { ExperimentError } from '../base/error.js'
import type { Path } from '../base/yaml/source.js'
import { type MethodOptions, methodKind } from '../method/options.js'
import { methodOf } from '../method/registry.js'
import { SameTensor } from '../method/union/same_tensor.js'

/**
 * Refuses several methods of which two have tensors of one name, trained or not. Not a part of reading an experiment,
 * since methods load TensorFlow.
 * @throws ExperimentError at the second method's place
 */
export function refuseSameTensors(method: MethodOptions, config: BackboneConfig, locate: (path: Path) => string): void {
  if (!methodKind(method).parts) return
  try {
    methodOf(method).parameters(method, config)
    methodOf(method).constants?.(method, config)
  } catch (error) {
    if (!(error instanceof SameTensor)) throw error
    const { part, problem, remedy } = error
    throw new ExperimentError({ at: locate(['method', 'methods', part]), problem, ...(remedy && { remedy }) })
  }
}
