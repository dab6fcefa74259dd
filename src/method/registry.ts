import { adapter } from './adapter.js'
import { bitfit } from './bitfit.js'
import { compacter } from './compacter.js'
import { full } from './full.js'
import type { Method } from './method.js'
import type { MethodOptions } from './options.js'
import { promptTuning } from './prompt_tuning.js'

type Kind = Exclude<MethodOptions['kind'], 'intrinsic'>

const methods: { [K in Kind]: Method<Extract<MethodOptions, { kind: K }>> } = {
  full,
  adapter,
  compacter,
  bitfit,
  prompt_tuning: promptTuning,
}

/** The method that a resolved experiment names by its `kind`. */
export const methodOf = (options: MethodOptions): Method<MethodOptions> =>
  methods[options.kind as Kind] as Method<MethodOptions>
