import { z } from 'zod'
import { allFamilies } from '../backbone/registry.js'
import type { SchemaKind } from '../base/choices.js'
import { type PresetKind, presetFile, presetNames } from '../base/presets.js'
import { readYaml } from '../base/yaml/source.js'
import { experimentSchema, trainingOptions } from '../experiment/schema.js'
import { methodOptions } from '../method/options.js'
import { sweepSchema } from '../sweep/plan/schema.js'
import { taskOptions } from '../task/options.js'

/** Returns the JSON Schema of a kind of YAML file, for editors. */
export function fileSchema(kind: SchemaKind): object {
  return schemas[kind]()
}

/** The result of z.toJSONSchema for our schemas. */
export interface JsonSchema {
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

export const jsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema

export const kindOf = (option: JsonSchema) => option.properties!.kind!.const

/**
 * Returns the JSON Schema of an experiment file, for editors: the resolved schema, which also allows presets and short
 * forms.
 */
function experimentJsonSchema(): object {
  const schema = jsonSchema(experimentSchema)
  const { backbone, method, task, training } = schema.properties!
  const name = { type: 'string', examples: presetNames('backbones') }
  const path = { type: 'string', description: 'Folder that holds its files.' }
  const properties = {
    ...schema.properties,
    backbone: { description: backbone!.description, anyOf: [name, backbone] },
    method: methodOrList(method!),
    task: named('tasks', task!, (task!.oneOf as JsonSchema[]).map(withDefaultKind), { path }),
    training: { ...training, required: undefined },
  }
  const $defs = { one_of_several: oneOfSeveral(method!) }
  return { ...schema, $defs, properties, required: ['backbone', 'method', 'task', 'training'] }
}

const ONE_OF_SEVERAL = { $ref: '#/$defs/one_of_several' }
const SEVERAL = { type: 'array', minItems: 1, items: ONE_OF_SEVERAL }

/** Allows a list of methods wherever a method may be named. */
function methodOrList(method: JsonSchema): JsonSchema {
  const together = partsOf(method).map(kindOf)
  const alone = (method.oneOf as JsonSchema[])
    .filter((kind) => !together.includes(kindOf(kind)))
    .map((kind) =>
      kind.properties!.methods ? { ...kind, properties: { ...kind.properties, methods: SEVERAL } } : kind,
    )
  const own = named('methods', method, alone, {})
  return { ...own, anyOf: [...own.anyOf, ONE_OF_SEVERAL, SEVERAL] }
}

/** A method that may stand in a list, by its preset or written out. */
const oneOfSeveral = (method: JsonSchema) => named('methods', {}, partsOf(method), {})

/** The kinds that a list may hold. */
function partsOf(method: JsonSchema): JsonSchema[] {
  const union = (method.oneOf as JsonSchema[]).find(({ properties }) => properties!.methods)!
  return union.properties!.methods!.items!.oneOf as JsonSchema[]
}

/** Makes `kind` optional for a classification, which is the default. */
function withDefaultKind(schema: JsonSchema): JsonSchema {
  if (kindOf(schema) !== 'classification') return schema
  return { ...schema, required: schema.required!.filter((key) => key !== 'kind') }
}

/** Allows a preset's name, a preset with overrides, or everything written out. */
function named(presets: PresetKind, { description }: JsonSchema, kinds: JsonSchema[], extra: JsonSchema['properties']) {
  const overridden = kinds.flatMap((schema) => {
    const names = presetNames(presets).filter((name) => isOfKind(presets, name, schema.properties!.kind!))
    if (names.length === 0) return [] // an empty enum is not a valid schema
    const { kind, ...options } = schema.properties!
    return [{ ...schema, properties: { preset: { enum: names }, ...options, ...extra }, required: ['preset'] }]
  })
  const names = presetNames(presets).filter((name) =>
    kinds.some((kind) => isOfKind(presets, name, kind.properties!.kind!)),
  )
  return { ...(description && { description }), anyOf: [{ enum: names }, ...overridden, ...kinds] }
}

function isOfKind(presets: PresetKind, name: string, kind: JsonSchema): boolean {
  const preset = readYaml(presetFile(presets, name)!)
  return kind.enum ? kind.enum.includes(preset.kind) : kind.const === preset.kind
}

/** The schema of a method preset: options of its kind, and the default learning rate of experiments with it. */
function methodJsonSchema(): object {
  const learning_rate = jsonSchema(trainingOptions).properties!.learning_rate!
  const kinds = methodOptions.options.map(jsonSchema)
  return oneOfKinds(kinds.map((kind) => ({ ...kind, properties: { ...kind.properties, learning_rate } })))
}

/** The schema of a task preset, whose name is the file's. */
function taskJsonSchema(): object {
  const kinds = taskOptions.options.map(jsonSchema).map(withDefaultKind)
  return oneOfKinds(
    kinds.map((kind) => {
      const { name: _, ...properties } = kind.properties!
      return { ...kind, properties, required: kind.required!.filter((key) => key !== 'name') }
    }),
  )
}

const oneOfKinds = (kinds: JsonSchema[]) => ({
  $schema: DRAFT,
  type: 'object',
  oneOf: kinds.map(({ $schema: _, ...kind }) => kind),
})

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

/** Dimensions under the names that a Hugging Face config.json has; which fit each other, the family's parser says. */
const backbonePreset = z.strictObject({
  source: z
    .string()
    .min(1)
    .describe('Hugging Face model id, or ./folder of a bundled one, which has its own config.json.'),
  tokenizer_vocabulary: z.int().min(1).describe('Ids that the tokenizer uses; the embedding table may have more rows.'),
  config: z
    .union(allFamilies.map(({ schema }) => schema))
    .optional()
    .describe('Dimensions, so that counting needs no download.'),
})

const schemas: Record<SchemaKind, () => object> = {
  experiment: experimentJsonSchema,
  method: methodJsonSchema,
  task: taskJsonSchema,
  backbone: () => jsonSchema(backbonePreset),
  sweep: () => jsonSchema(sweepSchema),
}
