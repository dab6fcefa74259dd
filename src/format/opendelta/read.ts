import { join } from 'node:path'
import { z } from 'zod'
import { type BackboneConfig, headTensor } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import type { Found } from '../found.js'
import { OPENDELTA_PROMPT, type OpendeltaOptions, opendeltaNames } from '../names_elsewhere.js'
import { nonlinearityHere } from '../nonlinearities.js'
import { placementOf, samplerMethod, sitesIn } from '../samplers.js'
import { openTorchFile } from '../torch/read.js'
import { OPENDELTA_FILES } from './write.js'

const CONFIG_LIMIT = 1_000_000

const file = z.object({
  delta_type: z.enum(['compacter', 'adapter', 'low_rank_adapter', 'soft_prompt']),
  non_linearity: z.string().default('gelu_new'),
  use_bias_up_sampler: z.literal(true).default(true),
  use_bias_down_sampler: z.literal(true).default(true),
  token_init: z.boolean().default(true),
})

const PRODUCTS = String.raw`(?:SelfAttention\.o|EncDecAttention\.o|DenseReluDense\.wo)`
const SITE = new RegExp(
  String.raw`^(encoder|decoder)\.block\.(\d{1,3})\.layer\.([012])\.${PRODUCTS}\.(?:compactor|low_rank_adapter|adapter)`,
)

/** Reads a folder that OpenDelta 0.3 saved for a T5. */
export function opendeltaFolder(folder: string, config: BackboneConfig): Found {
  const at = join(folder, OPENDELTA_FILES.config)
  const parsed = file.safeParse(readJson(at, { limit: CONFIG_LIMIT }))
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue]
    throw new UserError({
      at,
      problem: `${path.join('.')}: ${message}.`,
      remedy: 'Only compacters, adapters and prompts are read.',
    })
  }
  const { delta_type, non_linearity, token_init } = parsed.data
  const own = openTorchFile(join(folder, OPENDELTA_FILES.weights))
  const names: Found['names'] = (options, config) => opendeltaNames(options as OpendeltaOptions, config)
  const found = { names, own, backbone: own, ignored: () => false }
  if (delta_type === 'soft_prompt') {
    const length = own.tensors.get(OPENDELTA_PROMPT)?.shape[0] ?? 1 // a missing one is reported later, by its name
    return { ...found, method: { kind: 'prompt_tuning', length, start: token_init ? 'vocabulary' : 'random' } }
  }
  const sites = sitesIn(own, SITE)
  const placement = placementOf(sites, own.path)
  const method =
    delta_type === 'adapter'
      ? { kind: 'adapter', reduction_factor: denseFactor(own.tensors, sites[0]!.prefix, config) }
      : samplerMethod(own, sites, config)
  return {
    ...found,
    method: {
      ...method,
      nonlinearity: non_linearity === 'gelu_orig' ? 'gelu' : nonlinearityHere(non_linearity),
      placement,
      train_layer_norms: own.tensors.has('encoder.final_layer_norm.weight'),
      train_lm_head: own.tensors.has(headTensor(config)!),
    },
  }
}

const denseFactor = (tensors: Map<string, { shape: number[] }>, prefix: string, { dModel }: BackboneConfig) =>
  dModel / (tensors.get(`${prefix}.modulelist.down_proj.bias`)?.shape[0] ?? 0)
