import type { z } from 'zod'
import { isMapping } from '../base/yaml/merge.js'

type Shape = Record<string, z.ZodType>

/** Returns the keys that an object schema accepts; for a discriminated union, those of the object that is meant. */
export function optionsOf(schema: z.ZodType, value: unknown): Shape {
  const def = (schema as z.ZodObject | z.ZodDiscriminatedUnion).def
  if (def.type === 'object') return ownKeys(def.shape as Shape)
  if (def.type !== 'union') return ownKeys({})
  const by = def.discriminator ?? 'kind'
  const kind = isMapping(value) ? value[by] : undefined
  const option = (def.options as z.ZodObject[]).find((object) => (object.def.shape[by] as z.ZodLiteral).value === kind)
  return ownKeys((option?.def.shape as Shape) ?? {})
}

/** Removes inherited keys: `constructor` is not a key of a schema. */
const ownKeys = (shape: Shape): Shape => Object.assign(Object.create(null), shape)

/** Returns the schema of the value at a path of `tree`, without default and optionality unless `bare` is false. */
export function schemaAt(
  schema: z.ZodType,
  path: readonly PropertyKey[],
  tree: unknown,
  bare = true,
): z.ZodType | undefined {
  const [key, ...rest] = path
  if (key === undefined) return bare ? unwrap(schema) : schema
  const here = unwrap(schema)
  const inner = here.def.type === 'array' ? (here as z.ZodArray<z.ZodType>).element : optionsOf(here, tree)[String(key)]
  const value = isMapping(tree) || Array.isArray(tree) ? (tree as Record<PropertyKey, unknown>)[key] : undefined
  return inner && schemaAt(inner, rest, value, bare)
}

/** Whether any text is valid at a path, in some kind of method or task. */
export function takesText(schema: z.ZodType, path: readonly PropertyKey[]): boolean {
  const here = unwrap(schema)
  const def = here.def as { type: string; options?: z.ZodType[]; valueType?: z.ZodType; element?: z.ZodType }
  const [key, ...rest] = path
  if (def.type === 'union') {
    if (key !== undefined) return def.options!.some((option) => takesText(option, path))
    const scalars = def.options!.filter((option) => !['object', 'record', 'array'].includes(unwrap(option).def.type))
    return scalars.length > 0 && scalars.every((option) => takesText(option, path))
  }
  if (key === undefined) return def.type === 'string'
  const inner = def.valueType ?? def.element ?? optionsOf(here, undefined)[String(key)]
  return inner !== undefined && takesText(inner, rest)
}

/** Returns the schema inside defaults and optionals, with the description of the outer one. */
function unwrap(schema: z.ZodType): z.ZodType {
  const { type, innerType } = schema.def as { type: string; innerType?: z.ZodType }
  if (!innerType || !['default', 'prefault', 'optional'].includes(type)) return schema
  const inner = unwrap(innerType)
  return schema.description && !inner.description ? inner.describe(schema.description) : inner
}
