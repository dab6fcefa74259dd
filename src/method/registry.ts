import { adapter } from './adapter/adapter.js'
import { bitfit } from './bitfit.js'
import { compacter } from './compacter/compacter.js'
import { full } from './full.js'
import { ia3 } from './ia3.js'
import { intrinsic } from './intrinsic/intrinsic.js'
import { layerNormTuning } from './layer_norm_tuning.js'
import { lokr } from './lokr.js'
import { lora } from './lora/lora.js'
import type { Method } from './method.js'
import type { MethodOptions } from './options.js'
import { prefixTuning } from './prefix_tuning.js'
import { promptTuning } from './prompt_tuning.js'
import { unionOf } from './union.js'
import { vera } from './vera.js'

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
