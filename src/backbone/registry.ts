import { commandLine } from '../base/command_line.js'
import { UserError } from '../base/error.js'
import { elements } from '../base/safetensors/safetensors.js'
import { shortened } from '../base/text/shortened.js'
import { bert } from './bert/family.js'
import { deberta } from './deberta/family.js'
import type { EncoderConfig, EncoderDecoderConfig, EncoderFamily, Family, Head, Role, TensorSpec } from './family.js'
import type { Site } from './hooks.js'
import { modernbert } from './modernbert/family.js'
import { t5 } from './t5/family.js'

/** The only list of families. A family's forward pass is named in forward.ts, so that counting loads no tensors. */
const families = { t5, bert, deberta, modernbert }

type Families = typeof families
export type FamilyName = keyof Families
/** The config of a backbone of any family; `family` says which. */
export type BackboneConfig = { [Name in FamilyName]: ConfigOf<Families[Name]> }[FamilyName]
type ConfigOf<F> = F extends Family<infer Config> ? Config : never
/** The config of a backbone that decodes, or of one that only encodes. */
export type Seq2SeqConfig = Extract<BackboneConfig, EncoderDecoderConfig>
export type EncoderOnlyConfig = Extract<BackboneConfig, EncoderConfig>

export const familyOf = (config: BackboneConfig): Family<BackboneConfig> => families[config.family]

/** Narrows a config to one with a decoder. @throws Error where it has none: no such backbone is decoded. */
export function withDecoder(config: BackboneConfig): Seq2SeqConfig {
  if (!isEncoder(config)) return config
  throw new Error(`a backbone of the family ${config.family} has no decoder`)
}

/**
 * Narrows a config to one that only encodes. @throws Error where it decodes: no such backbone has a head of its own.
 */
export function onlyEncoder(config: BackboneConfig): EncoderOnlyConfig {
  if (isEncoder(config)) return config
  throw new Error(`a backbone of the family ${config.family} is no encoder alone`)
}

/** Whether a backbone only encodes, so that it has a head of its own and writes no text. */
export const isEncoder = (config: BackboneConfig): config is EncoderOnlyConfig => familyOf(config).shape === 'encoder'

/** The family of a backbone that only encodes. */
export const encoderFamilyOf = (config: EncoderOnlyConfig): EncoderFamily<EncoderOnlyConfig> =>
  families[config.family] as EncoderFamily<EncoderOnlyConfig>

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
  const problem = `model_type is ${shortened(JSON.stringify(type))}; this toolkit reads ${known.join(', ')}.`
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

/** The config of an encoder with a head, without tensors that a model with this head does not have. */
export function withHead(config: BackboneConfig, head: Head): BackboneConfig {
  const own = onlyEncoder(config)
  return { ...encoderFamilyOf(own).forHead(own, head), head }
}

/** Whether a backbone reads which text of a pair a token is of. */
export const readsSegments = (config: BackboneConfig): boolean => isEncoder(config) && config.segments > 1

/** The most tokens of a row; undefined where positions are relative. */
export const longestRow = (config: BackboneConfig): number | undefined =>
  isEncoder(config) ? encoderFamilyOf(config).longest(config) : undefined

/** The head that is trained on an encoder; undefined where the backbone has none of its own. */
export const headOf = (config: BackboneConfig): Head | undefined => (isEncoder(config) ? config.head : undefined)

/** A backbone as it is measured and counted before a task names its labels: an encoder has a head for two. */
export const withTwoLabels = (config: BackboneConfig): BackboneConfig =>
  isEncoder(config) ? withHead(config, { kind: 'sequence', labels: 2 }) : config

/** The tensors of the head that a config names; they are no part of the backbone. */
export function headTensors(config: BackboneConfig): Map<string, TensorSpec> {
  if (!isEncoder(config) || !config.head) return new Map()
  return encoderFamilyOf(config).headTensors(config, config.head)
}

/** The name of the table of token embeddings. */
export const tableName = (config: BackboneConfig): string => firstOf(config, 'table')!

/**
 * The name of the tensor that makes the logits over the vocabulary: the head, or the embedding table where they are
 * one.
 */
export const headTensor = (config: BackboneConfig): string | undefined =>
  familyOf(config).head === undefined ? undefined : (firstOf(config, 'head') ?? tableName(config))

/** Parameters of the whole backbone: 222,903,552 for t5-base. */
export function parameterCount(config: BackboneConfig): number {
  return [...backboneTensors(config).values()].reduce((sum, { shape }) => sum + elements(shape), 0)
}
