import { hashSeed } from '../../base/numbers/random.js'
import { isMapping } from '../../base/yaml/merge.js'

/** Names of the sweep's own files and folders. */
const TAKEN = [
  ...['logs', 'sweep.yaml', 'cells.json', 'slurm.json', 'slurm.sh'],
  ...['results.json', 'results.csv', 'results.md', 'report.html', 'curve.svg'],
]
const LONGEST = 80
/** Keys whose text values are clear without the key: `compacter`, `glue-rte`. */
const SPEAKING = new Set(['method', 'backbone', 'task', 'preset', 'name', 'kind'])

/**
 * Returns a folder name for every cell: `compacter-n4-seed0`. It depends only on the cell and on the names of the axes,
 * so that cells which are added later do not change it.
 */
export function cellNames(cells: readonly Record<string, unknown>[]): string[] {
  const keys = [...new Set(cells.flatMap(Object.keys))]
  const names = cells.map((cell) => Object.entries(cell).flatMap(([key, value]) => parts(axisLabel(key, keys), value)))
  const plain = names.map((words) => words.join('-') || 'base')
  const lower = plain.map((name) => name.toLowerCase()) // two that differ in case are one folder on some systems
  return plain.map((name, i) => {
    const unusable = name.length > LONGEST || TAKEN.includes(lower[i]!)
    if (!unusable && lower.indexOf(lower[i]!) === lower.lastIndexOf(lower[i]!)) return name
    return `${name.slice(0, LONGEST)}-${hashSeed(0, JSON.stringify(cells[i])).toString(16).padStart(8, '0')}`
  })
}

/**
 * Whether `cellNames` can have made the name: a single folder name that leads nowhere else, and not one of the sweep's
 * own files.
 */
export const isCellName = (name: string): boolean => /^[\w+][\w.+-]*$/.test(name) && !TAKEN.includes(name.toLowerCase())

/** Returns the last part of an axis' key, and as many parts before it as distinguish it from the others. */
export function axisLabel(key: string, keys: readonly string[]): string {
  const words = key.split('.')
  for (let from = words.length - 1; from > 0; from--) {
    const short = words.slice(from).join('.')
    if (keys.filter((other) => `.${other}`.endsWith(`.${short}`)).length === 1) return short
  }
  return key
}

function parts(label: string, value: unknown): string[] {
  if (isMapping(value)) return Object.entries(value).flatMap(([key, inner]) => parts(key, inner))
  if (typeof value === 'number') return [`${label}${value}`]
  const text = safe(Array.isArray(value) ? value.map(String).join('_') : String(value ?? 'none'))
  return [SPEAKING.has(label.split('.').at(-1)!) ? text : `${label}-${text}`]
}

/** Makes text safe for a name: no separators, no characters with a meaning in a shell, no dot or dash in front. */
const safe = (text: string) => text.replace(/[^\w.+-]+/g, '-').replace(/^[.-]+|-+$/g, '') || 'none'
