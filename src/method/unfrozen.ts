import type { Role } from '../backbone/family.js'
import { type BackboneConfig, backboneTensors, headTensor } from '../backbone/registry.js'
import type { ParameterSpec } from './method.js'

/**
 * Returns the backbone's tensors that `chosen` picks by Hugging Face name and role, trained from their pretrained
 * values.
 */
export function unfrozen(config: BackboneConfig, chosen: (name: string, role: Role) => boolean): ParameterSpec[] {
  return [...backboneTensors(config)]
    .filter(([name, { role }]) => chosen(name, role))
    .map(([name, { shape }]) => ({ name, shape, start: { kind: 'backbone' } }))
}

/**
 * Returns what adapter methods train in addition to their own tensors: every layer norm (block norms, both final ones),
 * and the head if asked for.
 */
export function unfrozenBesideAdapters(
  config: BackboneConfig,
  options: { train_layer_norms: boolean; train_lm_head: boolean },
): ParameterSpec[] {
  const head = headTensor(config)
  return unfrozen(
    config,
    (name, role) => (options.train_layer_norms && isOfNorm(role)) || (options.train_lm_head && name === head),
  )
}

/** Whether a tensor is the scale or the bias of a norm. */
export const isOfNorm = (role: Role | undefined): boolean => role === 'norm' || role === 'norm_bias'
