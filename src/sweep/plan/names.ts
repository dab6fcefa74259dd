import { hashSeed } from '../../base/numbers/random.js'
import { isMapping } from '../../base/yaml/merge.js'

/** Names that the sweep's own files and folders have. */
const TAKEN = [
  ...['logs', 'sweep.yaml', 'cells.json', 'slurm.json', 'slurm.sh'],
  ...['results.json', 'results.csv', 'results.md', 'report.html', 'curve.svg'],
]
const LONGEST = 80
/** Text under these keys says by itself what it is: `compacter`, `glue-rte`. */
const SPEAKING = new Set(['method', 'backbone', 'task', 'preset', 'name', 'kind'])

/**
 * A folder's name for every cell: `compacter-n4-seed0`. It depends on the cell and on the names of the axes alone, so
 * that cells which are added later leave it as it is.
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

/** Whether `cellNames` can have made the name: one folder's name, which leads nowhere else, and none of the sweep's own files. */
export const isCellName = (name: string): boolean => /^[\w+][\w.+-]*$/.test(name) && !TAKEN.includes(name.toLowerCase())

/** The last part of an axis' key, with as much before it as tells it from the others. */
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

/** No separators, nothing that a shell takes for something else, no dot or dash in front. */
const safe = (text: string) => text.replace(/[^\w.+-]+/g, '-').replace(/^[.-]+|-+$/g, '') || 'none'
