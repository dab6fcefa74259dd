import { isDeepStrictEqual } from 'node:util'
import { presetFile, presetNames } from '../base/presets.js'
import { readYaml } from '../base/yaml/source.js'
import { type MethodOptions, methodKind, methodOptions } from '../method/options.js'

export type Leaves = Map<string, unknown>

/**
 * Names a method by its nearest preset and the options that differ from it: `compacter`, `compacter, n = 8`. Several
 * methods that are no preset are named one by one: `lora + ia3`.
 */
export function methodName(method: MethodOptions): string {
  const own = leavesOf(method)
  const candidates = presets()
    .filter(({ kind }) => kind === method.kind)
    .map(({ name, leaves }) => ({ name, changes: shownOf(own, changedKeys(own, leaves)) }))
  const parts = methodKind(method).parts?.(method)
  if (parts && !candidates.some(({ changes }) => changes.length === 0)) return parts.map(methodName).join(' + ')
  const nearest = candidates.reduce((best, next) => (next.changes.length < best.changes.length ? next : best))
  return [nearest.name, ...nearest.changes].join(', ')
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
