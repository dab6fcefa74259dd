import type { Complaint } from '../../base/error.js'
import { presetFile } from '../../base/presets.js'
import { isMapping, type Mapping } from '../../base/yaml/merge.js'
import { type Path, readYaml, type Source } from '../../base/yaml/source.js'
import type { Override } from '../overrides.js'
import { shown } from '../wording.js'

/** Several methods, each written in full; a list of one is that method. */
export function methodsInFull({ method }: Mapping): Mapping {
  const named = (list: readonly unknown[]) => list.map((one) => (typeof one === 'string' ? { preset: one } : one))
  if (isMapping(method) && Array.isArray(method.methods))
    return { method: { ...method, methods: named(method.methods) } }
  if (!Array.isArray(method)) return {}
  const list = named(method)
  return { method: list.length === 1 ? list[0] : { kind: 'union', methods: list } }
}

/** Finds what `methodsInFull` made of a list of methods where the list has it. */
export function listedMethods(source: Source): Source {
  const list = isMapping(source.value) && source.value.method
  if (!Array.isArray(list)) return source
  const written = (path: Path): Path => {
    const [key, second, ...rest] = path
    if (key !== 'method') return path
    if (list.length === 1) return ['method', 0, ...path.slice(1)]
    return second === 'methods' ? ['method', ...rest] : path
  }
  return {
    ...source,
    find(path) {
      const inList = written(path)
      const found = source.find(inList)
      return { ...found, depth: Math.max(0, found.depth + path.length - inList.length) }
    },
  }
}

/** Returns an override of `method.0.rank`, as a list is written, as one of `method.methods.0.rank`. */
export function intoList(override: Override): Override {
  const [first, second = '', ...rest] = override.path
  return first === 'method' && /^\d+$/.test(second)
    ? { ...override, path: ['method', 'methods', second, ...rest] }
    : override
}

/** Says that a path leads to an item which the list of methods does not have. */
export function missingItem({ method }: Mapping, [first, second, item]: Path): Omit<Complaint, 'at'> | undefined {
  if (first !== 'method' || second !== 'methods' || item === undefined || !isMapping(method)) return undefined
  const list = Array.isArray(method.methods) ? method.methods : presetList(method.preset)
  const problem = `there is no method.${String(item)}`
  if (!list) {
    const one = typeof method.preset === 'string' ? `the preset ${shown(method.preset)}` : 'one method'
    return { problem: `${problem}: method is ${one}, not a list.` }
  }
  if (String(item) in list) return undefined
  const remedy = `The list has ${list.map((_, i) => `method.${i}`).join(', ')}.`
  return { problem: `${problem}.`, remedy }
}

/** The methods of a preset of several, whose items can be set as well. */
function presetList(name: unknown): unknown[] | undefined {
  const file = typeof name === 'string' ? presetFile('methods', name) : undefined
  const methods = file && readYaml(file).methods
  return Array.isArray(methods) ? methods : undefined
}

/** Words about one of several methods, with its key as a list of methods is written. */
export function asListed<Words extends { problem: string; remedy?: string }>(words: Words): Words {
  const listed = (text: string) => text.replace(/\bmethod\.methods\.(?=\d)/g, 'method.')
  return { ...words, problem: listed(words.problem), ...(words.remedy && { remedy: listed(words.remedy) }) }
}
