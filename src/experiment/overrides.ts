import type { Complaint } from '../base/error.js'
import { isMapping, type Mapping } from '../base/yaml/merge.js'
import type { Path, Source } from '../base/yaml/source.js'
import { parseYaml, plainValue } from '../base/yaml/yaml.js'
import { isExperimentText } from './schema.js'

/** One `--set key=value`, or a value that a sweep sets. */
export interface Override {
  path: string[]
  value: unknown
  /** Its name in errors: `--set method.n=5`, or its place in a file. */
  at: string
  /** Returns the place of a path inside the value, where the value is written in a file. */
  inside?: (path: Path) => string
  /** Folder that relative paths in it start from; by default the current one. */
  folder?: string
}

/**
 * Parses `key=value`s, the values as YAML; faults go into `complaints`. Overrides that are parsed already are returned
 * unchanged.
 */
export function parseOverrides(texts: readonly (string | Override)[], complaints: Complaint[]): Override[] {
  return texts.flatMap((text) => {
    if (typeof text !== 'string') return [text]
    const at = `--set ${text}`
    const equals = text.indexOf('=')
    const path = text.slice(0, equals).split('.')
    if (equals < 0 || path.some((key) => key === '')) {
      complaints.push({ at, problem: 'is not of the form key=value.', remedy: 'For instance: --set method.n=8.' })
      return []
    }
    const document = parseYaml(text.slice(equals + 1), (inside) => isExperimentText([...path, ...inside]))
    if (document.errors.length === 0) return [{ path, value: plainValue(document), at }]
    complaints.push({
      at,
      problem: `the value is not valid YAML: ${document.errors[0]!.message}.`,
      remedy: 'Quote it.',
    })
    return []
  })
}

/**
 * Returns the tree with one value replaced, or removed if `value` is null; `undefined` where a key on the way is not a
 * mapping.
 */
export function applyOverride(tree: Mapping, [key, ...rest]: Path, value: unknown): Mapping | undefined {
  const name = String(key)
  if (rest.length === 0 && value === null) return Object.fromEntries(Object.entries(tree).filter(([k]) => k !== name))
  if (rest.length === 0) return { ...tree, [name]: value }
  const inner = tree[name] ?? {}
  const replaced = Array.isArray(inner)
    ? inList(inner, rest, value)
    : isMapping(inner) && applyOverride(inner, rest, value)
  return replaced ? { ...tree, [name]: replaced } : undefined
}

/** Returns the list with one item, or a value inside it, replaced; `undefined` where it has no such item. */
function inList(list: readonly unknown[], [index, ...rest]: Path, value: unknown): unknown[] | undefined {
  const place = Number(index)
  if (!(place in list)) return undefined
  if (rest.length === 0) return list.with(place, value)
  const item = list[place]
  const mapping = typeof item === 'string' ? { preset: item } : item
  const replaced = isMapping(mapping) && applyOverride(mapping, rest, value)
  return replaced ? list.with(place, replaced) : undefined
}

/** Counts the keys of the path that a value has: a preset's name has none of the preset's own. */
function reach(value: unknown, [key, ...rest]: Path): number {
  if (key === undefined || !isMapping(value) || !Object.hasOwn(value, String(key))) return 0
  return 1 + reach(value[String(key)], rest)
}

/**
 * Returns overrides as a source: the last one that sets the path, or something above it, answers. Relative paths start
 * from the current folder.
 */
export function overridesSource(overrides: readonly Override[]): Source {
  // An override of something below the path made its last key, unless a file has that too: then the file is found.
  const keyOf = (path: Path) => {
    const below = overrides.findLast((override) => path.every((key, i) => String(key) === override.path[i]))
    return below && path.length > 0 && { at: below.at, depth: path.length - 0.5, held: -1 }
  }
  return {
    value: undefined,
    folder: process.cwd(),
    find(path) {
      const setsIt = (override: Override) => override.path.every((key, i) => i < path.length && key === String(path[i]))
      const found = overrides.findLast(setsIt)
      if (!found) return { at: '--set', depth: -1, ...keyOf(path) }
      const inside = path.slice(found.path.length)
      const held = found.path.length + reach(found.value, inside)
      return { at: found.inside?.(inside) ?? found.at, folder: found.folder, depth: path.length, held }
    },
  }
}

/**
 * Returns the experiment's file without the values that overrides have replaced: a task named by --set keeps nothing of
 * the file's task.
 */
export function replacedBy(source: Source, overrides: readonly Override[]): Source {
  return {
    ...source,
    find(path) {
      const over = overrides.findLast((override) => override.path.every((key, i) => i < path.length && key === path[i]))
      return source.find(over ? over.path.slice(0, -1) : path)
    },
  }
}
