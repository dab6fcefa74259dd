import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type BackboneConfig, backboneTensors, headTensor, headTensors } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import { isOfNorm } from '../../method/unfrozen.js'
import { type ForeignFile, foreignSafetensors } from '../foreign.js'
import type { Found } from '../found.js'
import type { BottleneckOptions } from '../names_elsewhere.js'
import { nonlinearityHere } from '../nonlinearities.js'
import { openTorchFile } from '../torch/read.js'
import { ADAPTERHUB_FILES, adapterhubNames, placesOf } from './names.js'

const CONFIG_LIMIT = 1_000_000

/** The part of the library's BnConfig that we use; a key that older versions lack has its default. */
const bottleneck = z.object({
  architecture: z.null().default(null),
  mh_adapter: z.boolean(),
  output_adapter: z.boolean(),
  cross_adapter: z.boolean().default(false),
  reduction_factor: z.int().min(1),
  non_linearity: z.string(),
  original_ln_before: z.boolean().default(false),
  original_ln_after: z.literal(true).default(true),
  ln_before: z.boolean().default(false),
  ln_after: z.boolean().default(false),
  adapter_residual_before_ln: z.boolean().default(false),
  inv_adapter: z.null().default(null),
  is_parallel: z.boolean().default(false),
  use_gating: z.literal(false).default(false),
  scaling: z.number({ error: 'a scale that is learnt is not read' }).positive().default(1),
  leave_out: z.array(z.int().min(0)).max(1000).default([]),
  phm_layer: z.boolean().default(false),
  phm_dim: z.int().min(1).default(4),
  phm_rank: z.int().min(1).default(1),
  phm_bias: z.literal(true).default(true),
  shared_phm_rule: z.boolean().default(true),
  factorized_phm_rule: z.boolean().default(false),
  factorized_phm_W: z.boolean().default(true),
  shared_W_phm: z.boolean().default(false),
})
const file = z.object({ name: z.string().min(1), version: z.string().optional(), config: bottleneck })
type Bottleneck = z.infer<typeof bottleneck>

/**
 * Reads a folder that the library `adapters` saved: config and weights, pickled or not, and our layer norms next to
 * them.
 */
export function adapterhubFolder(folder: string, config: BackboneConfig): Found {
  const at = join(folder, ADAPTERHUB_FILES.config)
  if (!placesOf(config))
    throw new UserError({ at, problem: 'has adapters for a model that the library does not have.' })
  const parsed = file.safeParse(readJson(at, { limit: CONFIG_LIMIT }))
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue]
    throw new UserError({ at, problem: `${path.join('.')}: ${message}.`, remedy: 'Only bottleneck adapters are read.' })
  }
  const { name, version, config: options } = parsed.data
  checkOrder(options, at)
  const safe = join(folder, ADAPTERHUB_FILES.weights)
  const own = existsSync(safe) ? foreignSafetensors(safe) : openTorchFile(join(folder, 'pytorch_adapter.bin'))
  const norms = join(folder, ADAPTERHUB_FILES.norms)
  const beside = existsSync(norms) ? [foreignSafetensors(norms)] : []
  const head = headTensors(config).size > 0 ? headOf(folder) : undefined
  const backbone = joined(folder, [...beside, ...(head ? [head.file] : [])])
  const [norm] = [...backboneTensors(config)].find(([, { role }]) => isOfNorm(role)) ?? []
  const lmHead = headTensor(config)
  return {
    method: {
      ...methodOf(options, version === undefined),
      placement: placementOf(options, config, at),
      train_layer_norms: norm !== undefined && (backbone?.tensors.has(norm) ?? false),
      train_lm_head: lmHead !== undefined && (backbone?.tensors.has(lmHead) ?? false),
    },
    names: (ours, config) => adapterhubNames(ours as BottleneckOptions, config, name),
    own,
    backbone,
    ...(head?.labels && { labels: head.labels }),
    ignored: () => false,
  }
}

const headFile = z.object({
  config: z.null(
    'is a head of the library itself; one of transformers is read, such as of BertForSequenceClassification',
  ),
  label2id: z.record(z.string(), z.int()).nullish(),
})

/**
 * Opens the file of an encoder's head; its labels are in the order of its rows.
 * @throws UserError where there is none, or a head of the library's own.
 */
function headOf(folder: string): { file: ForeignFile; labels: string[] | undefined } {
  const at = join(folder, ADAPTERHUB_FILES.headConfig)
  if (!existsSync(at))
    throw new UserError({ at, problem: 'there is no such file.', remedy: 'Save the adapter with with_head=True.' })
  const parsed = headFile.safeParse(readJson(at, { limit: CONFIG_LIMIT }))
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue]
    throw new UserError({ at, problem: `${path.join('.')}: ${message}.` })
  }
  const { label2id } = parsed.data
  const labels = label2id ? Object.keys(label2id).sort((a, b) => label2id[a]! - label2id[b]!) : undefined
  const safe = join(folder, ADAPTERHUB_FILES.head)
  const file = existsSync(safe) ? foreignSafetensors(safe) : openTorchFile(join(folder, 'pytorch_model_head.bin'))
  return { file, labels }
}

/** The tensors of several files as if they were in one. */
function joined(path: string, files: ForeignFile[]): ForeignFile | undefined {
  if (files.length === 0) return undefined
  const close = () => {
    for (const file of files) file.close()
  }
  return { path, tensors: new Map(files.flatMap(({ tensors }) => [...tensors])), close }
}

/**
 * Refuses keys with which the library adds the sublayer's input before a sequential adapter, or scales in front of a
 * layer norm, which none of our methods does.
 */
function checkOrder(options: Bottleneck, at: string): void {
  const sequential = !options.is_parallel
  const [problem] = [
    sequential && options.original_ln_before && otherInputs('original_ln_before'),
    sequential && options.ln_after && options.adapter_residual_before_ln && otherInputs('adapter_residual_before_ln'),
    options.ln_after && options.scaling !== 1 && `config.scaling is ${options.scaling}, in front of config.ln_after.`,
  ].filter((problem) => problem !== false)
  if (!problem) return
  throw new UserError({
    at,
    problem,
    remedy: 'There is no method here that gives the same outputs.',
  })
}

const otherInputs = (key: string) => `config.${key} is true: the adapter takes other inputs than those of compacter.`

/** The names of the two GELUs in versions of the library that did not write their version. */
const FORMER: Record<string, string> = { gelu: 'gelu_new', gelu_orig: 'gelu' }

function methodOf(options: Bottleneck, old: boolean): Record<string, unknown> {
  const norm = options.ln_before ? (options.ln_after ? 'both' : 'before') : options.ln_after ? 'after' : 'none'
  const given = options.non_linearity.toLowerCase()
  const common = {
    reduction_factor: options.reduction_factor,
    nonlinearity: (old && FORMER[given]) || nonlinearityHere(given),
    arrangement: options.is_parallel ? 'parallel' : 'sequential',
    scale: options.scaling,
    layer_norm: norm,
  }
  if (!options.phm_layer) return { kind: 'adapter', ...common }
  return {
    kind: 'compacter',
    ...common,
    n: options.phm_dim,
    rank: options.phm_rank,
    rule: options.shared_phm_rule ? 'shared' : 'own',
    rule_factors: options.factorized_phm_rule ? 'low_rank' : 'full',
    factors: options.factorized_phm_W ? 'low_rank' : 'full',
    blocks: options.shared_W_phm ? 'shared' : 'own',
  }
}

function placementOf(options: Bottleneck, { encoderLayers, decoderLayers }: BackboneConfig, at: string) {
  const placed = (first: number, count: number) =>
    [...Array(count).keys()].filter((layer) => !options.leave_out.includes(first + layer))
  const sublayers = [
    options.mh_adapter && 'attention',
    options.cross_adapter && 'cross_attention',
    options.output_adapter && 'feed_forward',
  ].filter(Boolean)
  if (sublayers.length === 0) throw new UserError({ at, problem: 'places no adapter anywhere.' })
  return {
    sublayers,
    encoder_layers: placed(0, encoderLayers),
    decoder_layers: placed(encoderLayers, decoderLayers),
  }
}
