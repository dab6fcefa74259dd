export type Mapping = Record<string, unknown>

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Puts `over` on top of `base`: mappings key by key, items of a list where `over` has a mapping of their numbers,
 * everything else whole.
 */
export function merge(base: Mapping, over: Mapping): Mapping {
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(base, key) ? base[key] : undefined
    if (isMapping(value) && Array.isArray(below) && Object.keys(value).every((place) => place in below))
      merged[key] = Object.values(merge({ ...below }, value))
    else merged[key] = isMapping(below) && isMapping(value) ? merge(below, value) : value
  }
  return merged
}

export function without(mapping: Mapping, ...keys: string[]): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([key]) => !keys.includes(key)))
}
