import { experimentNames, presetNames } from '../base/presets.js'
import { keysOfSet } from './keys.js'

/** The possible values of an argument or a flag. */
export interface Values {
  /** Known words. */
  words: string[]
  /** Whether files and folders are values too; for `runs`, those in the folder `runs` come first. */
  paths?: 'files' | 'runs'
}

/** An argument or a flag as in oclif's manifest. */
export interface Described {
  name: string
  options?: readonly string[]
  helpValue?: string | string[]
}

const files: Values = { words: [], paths: 'files' }
const runs: Values = { words: [], paths: 'runs' }

/** Values by the name of an argument or a flag, which means the same in every command. */
const KINDS: Record<string, () => Values> = {
  experiment: () => ({ words: experimentNames(), paths: 'runs' }),
  sweep: () => ({ words: presetNames('sweeps'), paths: 'files' }),
  backbone: () => ({ words: presetNames('backbones'), paths: 'files' }),
  method: () => ({ words: ['all', ...presetNames('methods')] }),
  methods: () => ({ words: presetNames('methods') }),
  task: () => ({ words: [...presetNames('tasks'), ...experimentNames()], paths: 'files' }),
  run: () => runs,
  folder: () => runs,
  ...Object.fromEntries(
    ['path', 'run-dir', 'dir', 'out', 'input', 'output', 'predictions', 'python'].map((name) => [name, () => files]),
  ),
}

/** Returns what can be completed for this argument, or as the value of this flag. */
export function valuesOf({ name, options, helpValue }: Described): Values {
  if (options) return { words: [...options] }
  if (name === 'set') return { words: keysOfSet(helpValue).map((key) => `${key}=`) }
  return KINDS[name]?.() ?? { words: [] }
}
