import type { Method } from './method.js'
import type { FullOptions } from './options.js'
import { unfrozen } from './unfrozen.js'

/** Full fine-tuning: every tensor of the backbone is trained. */
export const full: Method<FullOptions> = {
  weights: 'trained',
  parameters: (_options, config) => unfrozen(config, () => true),
  hooks: () => ({}),
}
