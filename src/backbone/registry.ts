import { commandLine } from '../base/command_line.js'
import { UserError } from '../base/error.js'
import { elements } from '../base/safetensors/safetensors.js'
import { shortened } from '../base/text/shortened.js'
import type { Family, Role, TensorSpec } from './family.js'
import type { Site } from './hooks.js'
import { t5 } from './t5/family.js'

/** The only list of families. A family's forward pass is named in forward.ts, so that counting loads no tensors. */
const families = { t5 }

type Families = typeof families
export type FamilyName = keyof Families
/** The config of a backbone of any family; `family` says which. */
export type BackboneConfig = Families[FamilyName] extends Family<infer Config> ? Config : never

export const familyOf = (config: BackboneConfig): Family<BackboneConfig> => families[config.family]

/** Every family, for code that lists them. */
export const allFamilies: readonly Family<BackboneConfig>[] = Object.values(families)

/**
 * Reads a Hugging Face `config.json`. `at` is its file, for errors; `folder` has the weights, where they are here.
 * @throws UserError where no family has its `model_type`, or a key is wrong.
 */
export function parseConfig(json: unknown, at: string, folder?: string): BackboneConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UserError({ at, problem: 'is not a JSON object.', remedy: 'A Hugging Face config.json was expected.' })
  }
  const fields = json as Record<string, unknown>
  const { model_type: type = 't5' } = fields
  const family = allFamilies.find(({ types }) => types.includes(type as string))
  if (family) return family.parse(fields, at, folder)
  const known = allFamilies.flatMap(({ types }) => types)
  const problem = `model_type is ${shortened(JSON.stringify(type))}; this toolkit runs ${known.join(' and ')}.`
  throw new UserError({ at, problem, remedy: `${commandLine('list backbones')} shows the presets.` })
}

/** Every tensor of a backbone by its Hugging Face name, in the model's order. */
export const backboneTensors = (config: BackboneConfig): Map<string, TensorSpec> => familyOf(config).tensors(config)

/** Shapes of a backbone's tensors by their Hugging Face names, in the model's order. */
export const backboneShapes = (config: BackboneConfig): Map<string, number[]> =>
  new Map([...backboneTensors(config)].map(([name, { shape }]) => [name, shape]))

/** The sublayers of a backbone, in the model's order. */
export const backboneSites = (config: BackboneConfig): Site[] => familyOf(config).sites(config)

const firstOf = (config: BackboneConfig, wanted: Role): string | undefined =>
  [...backboneTensors(config)].find(([, { role }]) => role === wanted)?.[0]

/** The name of the table of token embeddings. */
export const tableName = (config: BackboneConfig): string => firstOf(config, 'table')!

/** The name of the tensor that makes the logits: the head, or the embedding table where they are one. */
export const headTensor = (config: BackboneConfig): string => firstOf(config, 'head') ?? tableName(config)

/** Parameters of the whole backbone: 222,903,552 for t5-base. */
export function parameterCount(config: BackboneConfig): number {
  return [...backboneTensors(config).values()].reduce((sum, { shape }) => sum + elements(shape), 0)
}
