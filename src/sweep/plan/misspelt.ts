import { type PresetKind, presetNames } from '../../base/presets.js'
import { type Fault, shown, suggestion } from '../../experiment/wording.js'
import type { Assignment } from './rules.js'

/** Keys whose texts are names of presets. */
const PRESETS: Record<string, { of: string; kind: PresetKind }> = {
  method: { of: 'method', kind: 'methods' },
  'method.preset': { of: 'method', kind: 'methods' },
  task: { of: 'task', kind: 'tasks' },
  'task.preset': { of: 'task', kind: 'tasks' },
}

/** Whether a key's value is the name of a preset that there is. */
export const isPreset = (key: string, value: unknown): boolean =>
  Object.hasOwn(PRESETS, key) && presetNames(PRESETS[key]!.kind).includes(value as string)

/** Returns a fault for each value of one key of the cells that is no preset though it has to be one. */
export function misspelt(key: string, assignments: readonly Assignment[]): Fault[] {
  if (!Object.hasOwn(PRESETS, key)) return []
  const { of, kind } = PRESETS[key]!
  const places = new Map(assignments.map(({ value, at }) => [JSON.stringify(at), { value, path: at }]))
  return [...places.values()].flatMap(({ value, path }) => {
    if (typeof value !== 'string' || isPreset(key, value)) return []
    const problem = `${of} is ${shown(value)}; there is no such preset.`
    return [{ path: [...path], problem, remedy: suggestion(value, presetNames(kind), 'Presets') }]
  })
}
