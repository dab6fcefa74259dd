import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'
import { methodOptions } from '../method/options.js'
import { type PresetKind, presetFile, presetNames } from '../presets.js'
import { taskOptions } from '../task/options.js'
import { backboneOptions, experimentSchema, trainingOptions } from './schema.js'

/** What z.toJSONSchema gives of our schemas. */
interface JsonSchema {
  type?: string
  const?: unknown
  enum?: unknown[]
  default?: unknown
  description?: string
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  [keyword: string]: unknown
}

const jsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema

/** Markdown tables of every key, by section and by kind of method: the schema's own descriptions, types and defaults. */
export function referenceTables(): string {
  const sections: [string, JsonSchema][] = [
    ['`backbone`', jsonSchema(backboneOptions)],
    ...taskSections(),
    ['`training`', jsonSchema(trainingOptions)],
    ...methodOptions.options
      .map(jsonSchema)
      .map((option): [string, JsonSchema] => [`\`method\`, kind \`${kindOf(option)}\``, option]),
  ]
  return sections.map(([title, schema]) => `### ${title}\n\n${table(schema)}`).join('\n')
}

const kindOf = (option: JsonSchema) => option.properties!.kind!.const

/** The keys that every kind of task has, once; then each kind's own. */
function taskSections(): [string, JsonSchema][] {
  const kinds = taskOptions.options.map(jsonSchema)
  const common = Object.entries(kinds[0]!.properties!).filter(([key, schema]) =>
    kinds.every(({ properties }) => isDeepStrictEqual(properties![key], schema)),
  )
  const only = (schema: JsonSchema, keep: (key: string) => boolean) => ({
    ...schema,
    properties: Object.fromEntries(Object.entries(schema.properties!).filter(([key]) => keep(key))),
  })
  const isCommon = (key: string) => common.some(([name]) => name === key)
  return [
    ['`task`, every kind', only(kinds[0]!, isCommon)],
    ...kinds.map((kind): [string, JsonSchema] => [
      `\`task\`, kind \`${kindOf(kind)}\`: ${kind.properties!.kind!.description}`,
      only(kind, (key) => !isCommon(key)),
    ]),
  ]
}

function table(schema: JsonSchema): string {
  const lines = rows(schema, '')
  if (lines.length === 0) return 'No options.\n'
  return `${['| key | value | default | |', '|---|---|---|---|', ...lines].join('\n')}\n`
}

/** One row a key; the keys of an inner mapping stand below it as `placement.sublayers`. */
function rows(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    if (value.const !== undefined) return []
    if (value.properties) return rows(value, `${prefix}${key}.`)
    const required = schema.required?.includes(key) ?? false
    const byDefault = value.default === undefined ? (required ? '(needed)' : '') : `\`${written(value.default)}\``
    return [`| \`${prefix}${key}\` | ${typeOf(value)} | ${byDefault} | ${value.description ?? ''} |`]
  })
}

function typeOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.type === 'array') return `list of ${typeOf(schema.items!)}`
  if (schema.pattern === '^\\d+-\\d*$') return 'range'
  return (
    { integer: 'whole number', boolean: 'true or false', object: 'mapping', string: 'text' }[schema.type!] ??
    schema.type!
  )
}

const written = (value: unknown) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))

/** JSON Schema of an experiment file, for editors: the resolved schema, with presets and short forms let in. */
export function experimentJsonSchema(): object {
  const schema = jsonSchema(experimentSchema)
  const { backbone, method, task, training } = schema.properties!
  const name = { type: 'string', examples: presetNames('backbones') }
  const path = { type: 'string', description: 'Folder that holds its files.' }
  const properties = {
    ...schema.properties,
    backbone: { description: backbone!.description, anyOf: [name, backbone] },
    method: named('methods', method!, method!.oneOf as JsonSchema[], {}),
    task: named('tasks', task!, (task!.oneOf as JsonSchema[]).map(withDefaultKind), { path }),
    training: { ...training, required: undefined },
  }
  return { ...schema, properties, required: ['backbone', 'method', 'task', 'training'] }
}

/** A task that names no kind is a classification. */
function withDefaultKind(schema: JsonSchema): JsonSchema {
  if (kindOf(schema) !== 'classification') return schema
  return { ...schema, required: schema.required!.filter((key) => key !== 'kind') }
}

/** A preset's name, a preset with overrides, or everything written out. */
function named(presets: PresetKind, { description }: JsonSchema, kinds: JsonSchema[], extra: JsonSchema['properties']) {
  const overridden = kinds.map((schema) => {
    const preset = { enum: presetNames(presets).filter((name) => isOfKind(presets, name, schema.properties!.kind!)) }
    const { kind, ...options } = schema.properties!
    return { ...schema, properties: { preset, ...options, ...extra }, required: ['preset'] }
  })
  return { description, anyOf: [{ enum: presetNames(presets) }, ...overridden, ...kinds] }
}

function isOfKind(presets: PresetKind, name: string, kind: JsonSchema): boolean {
  const preset = parse(readFileSync(presetFile(presets, name)!, 'utf8'))
  return kind.enum ? kind.enum.includes(preset.kind) : kind.const === preset.kind
}
