import type { T5Config } from '../backbone/t5/config.js'
import { backboneTensors } from '../backbone/t5/tensors.js'
import type { ParameterSpec } from './method.js'

/** The backbone's tensors that `chosen` picks by Hugging Face name, trained from their pretrained values. */
export function unfrozen(config: T5Config, chosen: (name: string) => boolean): ParameterSpec[] {
  return [...backboneTensors(config)]
    .filter(([name]) => chosen(name))
    .map(([name, shape]) => ({ name, shape, start: { kind: 'backbone' } }))
}

/** What adapter methods train beside their own tensors: every layer norm (block norms, both final ones), maybe the head. */
export function unfrozenBesideAdapters(
  config: T5Config,
  options: { train_layer_norms: boolean; train_lm_head: boolean },
): ParameterSpec[] {
  const head = config.tiedHead ? 'shared.weight' : 'lm_head.weight'
  return unfrozen(
    config,
    (name) =>
      (options.train_layer_norms && name.endsWith('layer_norm.weight')) || (options.train_lm_head && name === head),
  )
}
