import { isDeepStrictEqual } from 'node:util'
import { presetFile, presetNames } from '../base/presets.js'
import { isMapping } from '../base/yaml/merge.js'
import { readYaml } from '../base/yaml/source.js'
import { type MethodOptions, methodKind, methodOptions } from '../method/options.js'

export type Leaves = Map<string, unknown>

/**
 * Names a method by its nearest preset and the options that differ from it: `compacter`, `compacter, n = 8`. Several
 * methods that are no preset are named one by one: `lora (rank = 4) + ia3`.
 */
export const methodName = (method: MethodOptions): string => wordsOf(method).join(', ')

/**
 * Names a method as an experiment writes it, by its preset or kind and the options there; otherwise in YAML's style.
 */
export function writtenMethodName(method: unknown): string {
  const words = writtenWords(method)
  if (words) return words.join(', ')
  const parts = Array.isArray(method) ? method.map(writtenWords) : []
  const all = parts.filter((part) => part !== undefined)
  return all.length > 0 && all.length === parts.length ? sumOf(all) : JSON.stringify(method)
}

function writtenWords(method: unknown): string[] | undefined {
  if (typeof method === 'string') return [method]
  if (!isMapping(method)) return undefined
  const { preset, kind = preset, ...options } = method
  const leaves = leavesOf(options)
  return typeof kind === 'string' ? [String(preset ?? kind), ...shownOf(leaves, [...leaves.keys()])] : undefined
}

/** Joins the names of several methods; what is changed in one of them is in parentheses, so that it ends with it. */
const sumOf = (parts: string[][]): string =>
  parts.map(([name, ...changes]) => (changes.length > 0 ? `${name} (${changes.join(', ')})` : name)).join(' + ')

/** Returns a method's name and the options that differ, as text. */
function wordsOf(method: MethodOptions): string[] {
  const own = leavesOf(method)
  const candidates = presets()
    .filter(({ kind }) => kind === method.kind)
    .map(({ name, leaves }) => ({ name, changes: shownOf(own, changedKeys(own, leaves)) }))
  const parts = methodKind(method).parts?.(method)
  if (parts && !candidates.some(({ changes }) => changes.length === 0)) return [sumOf(parts.map(wordsOf))]
  const nearest = candidates.reduce((best, next) => (next.changes.length < best.changes.length ? next : best))
  return [nearest.name, ...nearest.changes]
}

/** Read once, since the presets are part of the package. */
const presets = memoised(() =>
  presetNames('methods').map((name) => {
    const { learning_rate: _, ...preset } = readYaml(presetFile('methods', name)!)
    return { name, kind: preset.kind as string, leaves: leavesOf(methodOptions.parse(preset)) }
  }),
)

/** Returns the keys of `own` whose value differs from `other`. */
export const changedKeys = (own: Leaves, other: Leaves): string[] =>
  [...own].flatMap(([key, value]) => (isDeepStrictEqual(value, other.get(key)) ? [] : [key]))

/** Returns some of the values as text, in their own order: `n = 8`. */
export function shownOf(own: Leaves, keys: readonly string[], named = (key: string) => key): string[] {
  const chosen = new Set(keys)
  return [...own].filter(([key]) => chosen.has(key)).map(([key, value]) => `${named(key)} = ${shown(value)}`)
}

/** Returns values by their dotted keys; a list is one value. */
export function leavesOf(value: object, prefix = ''): Leaves {
  return new Map(
    Object.entries(value).flatMap(([key, inner]): [string, unknown][] =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? [...leavesOf(inner, `${prefix}${key}.`)]
        : [[`${prefix}${key}`, inner]],
    ),
  )
}

const shown = (value: unknown) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))

function memoised<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
