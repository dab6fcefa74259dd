import { isDeepStrictEqual } from 'node:util'
import { backboneOptions, trainingOptions } from '../experiment/schema.js'
import { methodOptions } from '../method/options.js'
import { taskOptions } from '../task/options.js'
import { type JsonSchema, jsonSchema, kindOf } from './json_schema.js'

/**
 * Returns Markdown tables of every key, by section and by kind of method, from the schema's own descriptions, types and
 * defaults.
 */
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

/** Returns the keys that every kind of task has, once; then those of every kind with a prompt, and each kind's own. */
function taskSections(): [string, JsonSchema][] {
  const kinds = taskOptions.options.map(jsonSchema)
  const prompted = kinds.filter(({ properties }) => properties!.prompt)
  const inAll = (those: JsonSchema[]) => (key: string) =>
    those.every(({ properties }) => isDeepStrictEqual(properties![key], those[0]!.properties![key]))
  const only = (schema: JsonSchema, keep: (key: string) => boolean) => ({
    ...schema,
    properties: Object.fromEntries(Object.entries(schema.properties!).filter(([key]) => keep(key))),
  })
  const [isCommon, isPrompted] = [inAll(kinds), inAll(prompted)]
  const isShared = (kind: JsonSchema, key: string) => isCommon(key) || (prompted.includes(kind) && isPrompted(key))
  return [
    ['`task`, every kind', only(kinds[0]!, isCommon)],
    ['`task`, every kind but `token_classification`', only(prompted[0]!, (key) => isPrompted(key) && !isCommon(key))],
    ...kinds.map((kind): [string, JsonSchema] => [
      `\`task\`, kind \`${kindOf(kind)}\`: ${kind.properties!.kind!.description}`,
      only(kind, (key) => !isShared(kind, key)),
    ]),
  ]
}

function table(schema: JsonSchema): string {
  const lines = rows(schema, '')
  if (lines.length === 0) return 'No options.\n'
  return `${['| key | value | default | |', '|---|---|---|---|', ...lines].join('\n')}\n`
}

/** Returns one row for each key; the keys of an inner mapping follow it as `placement.sublayers`. */
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
  if (schema.oneOf) return 'mapping'
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.type === 'array') return `list of ${typeOf(schema.items!)}`
  if (schema.pattern === '^\\d+-\\d*$') return 'range'
  return (
    { integer: 'whole number', boolean: 'true or false', object: 'mapping', string: 'text' }[schema.type!] ??
    schema.type!
  )
}

const written = (value: unknown) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))
