import { adapter } from './adapter/adapter.js'
import { bitfit } from './bitfit.js'
import { compacter } from './compacter/compacter.js'
import { full } from './full.js'
import { intrinsic } from './intrinsic/intrinsic.js'
import { layerNormTuning } from './layer_norm_tuning.js'
import type { Method } from './method.js'
import type { MethodOptions } from './options.js'
import { prefixTuning } from './prefix_tuning.js'
import { ia3 } from './products/ia3.js'
import { lokr } from './products/lokr.js'
import { lora } from './products/lora.js'
import { vera } from './products/vera.js'
import { promptTuning } from './prompt_tuning.js'
import { unionOf } from './union/union.js'

type Methods = { [K in MethodOptions['kind']]: Method<Extract<MethodOptions, { kind: K }>> }

const methods: Methods = {
  full,
  adapter,
  compacter,
  bitfit,
  intrinsic,
  prompt_tuning: promptTuning,
  prefix_tuning: prefixTuning,
  lora,
  ia3,
  lokr,
  vera,
  layer_norm_tuning: layerNormTuning,
  union: unionOf((options) => methodOf(options)),
}

/** Returns the method that a resolved experiment names by its `kind`. */
export const methodOf = (options: MethodOptions): Method<MethodOptions> =>
  methods[options.kind] as Method<MethodOptions>
