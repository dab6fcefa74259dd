import { type BackboneConfig, familyOf } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'

/**
 * Checks that the engine can train a backbone.
 * @throws UserError where it only encodes: there is no objective for it yet. `params report` counts such a backbone.
 */
export function checkTrainable(config: BackboneConfig, name: string): void {
  if (familyOf(config).shape === 'encoder-decoder') return
  throw new UserError({
    at: name,
    problem: `is an encoder alone (${config.family}); this version trains and runs T5 only.`,
    remedy: 'Choose a T5: `compacter list backbones` shows the presets.',
  })
}
