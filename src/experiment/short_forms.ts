import { type Complaint, ExperimentError } from '../base/error.js'
import { type Override, parseOverrides } from './overrides.js'

/** Flags that set a key of `training`. */
const KEYS = {
  seed: 'seed',
  lr: 'learning_rate',
  steps: 'steps',
  epochs: 'epochs',
  'batch-size': 'batch_size',
} as const

/** The other key for the length of training: giving one removes the other. */
const OTHER_LENGTH: Record<string, string> = { steps: 'epochs', epochs: 'steps' }

type Given = { set?: string[] | undefined } & { [flag in keyof typeof KEYS]?: string | undefined }

/**
 * Returns the overrides of a command's flags: its `--set`s, and those that its short forms mean, named in errors as
 * they were typed.
 * @throws ExperimentError where a short form and a `--set` set the same key.
 */
export function setsOf({ set = [], ...flags }: Given): (string | Override)[] {
  const short = Object.entries(KEYS).flatMap(([flag, key]): Override[] => {
    const text = flags[flag as keyof typeof KEYS]
    if (text === undefined) return []
    const at = `--${flag} ${text}`
    const path = ['training', key]
    const other = OTHER_LENGTH[key]
    refuseTwice(at, [path, ...(other ? [['training', other]] : [])], set)
    const complaints: Complaint[] = []
    const given = parseOverrides([`${path.join('.')}=${text}`], complaints).map((override) => ({ ...override, at }))
    if (complaints[0]) throw new ExperimentError({ ...complaints[0], at })
    return [...(other ? [{ path: ['training', other], value: null, at }] : []), ...given]
  })
  return [...set, ...short]
}

/** Refuses two values for one key: the one that wins might not be the one that was meant. */
function refuseTwice(at: string, paths: readonly string[][], sets: readonly string[]): void {
  const keys = paths.map((path) => path.join('.'))
  const twice = sets.find((set) => keys.includes(set.slice(0, set.indexOf('='))))
  if (twice === undefined) return
  const problem = `sets ${keys[0]}, and --set ${twice} is given too.`
  throw new ExperimentError({ at, problem, remedy: 'Keep one of the two.' })
}
