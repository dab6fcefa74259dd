import { experimentNames, presetNames } from '../base/presets.js'
import { keysOfSet } from './keys.js'

/** What may stand where a value is asked for. */
export interface Values {
  /** Words that are known. */
  words: string[]
  /** Whether files and folders are values too; of runs, those in `runs` first. */
  paths?: 'files' | 'runs'
}

/** An argument or a flag, as oclif's manifest has it. */
export interface Described {
  name: string
  options?: readonly string[]
  helpValue?: string | string[]
}

const files: Values = { words: [], paths: 'files' }
const runs: Values = { words: [], paths: 'runs' }

/** By the name of an argument or a flag, which means the same in every command. */
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

/** What can be completed where this argument, or the value of this flag, is typed. */
export function valuesOf({ name, options, helpValue }: Described): Values {
  if (options) return { words: [...options] }
  if (name === 'set') return { words: keysOfSet(helpValue).map((key) => `${key}=`) }
  return KINDS[name]?.() ?? { words: [] }
}
