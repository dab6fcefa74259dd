import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import { wordIssues } from '../../experiment/wording.js'
import { PEFT_FILES } from './names.js'

const CONFIG_LIMIT = 1_000_000

/** What changes the outputs in a way that is not read here must be off: absent, null, false, or empty. */
const off = z
  .unknown()
  .refine((value) => !value || (typeof value === 'object' && Object.keys(value).length === 0), 'is not read here.')
  .optional()

/** What peft notes of the model, whatever the method; damaged notes are no reason to refuse what is read. */
const model = {
  base_model_name_or_path: z.string().optional().catch(undefined),
  task_type: z.string().optional().catch(undefined),
  auto_mapping: z
    .object({ base_model_class: z.string().optional(), parent_library: z.string().optional() })
    .optional()
    .catch(undefined),
}

const lora = z.object({
  ...model,
  peft_type: z.literal('LORA'),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.literal('none').default('none'),
  init_lora_weights: z
    .union([z.boolean(), z.enum(['gaussian', 'eva', 'orthogonal'])], 'changes the backbone.')
    .default(true),
  ...{ rank_pattern: off, alpha_pattern: off, lora_bias: off, layer_replication: off, trainable_token_indices: off },
  ...{ alora_invocation_tokens: off, use_qalora: off, use_bdlora: off, arrow_config: off, target_parameters: off },
  ...{ kasa_config: off, monteclora_config: off, velora_config: off, megatron_config: off },
})

const ia3 = z.object({
  ...model,
  peft_type: z.literal('IA3'),
  feedforward_modules: z.union([z.array(z.string()), z.string()]).nullish(),
})

const lokr = z.object({
  ...model,
  peft_type: z.literal('LOKR'),
  r: z.int().min(1),
  alpha: z.number().positive(),
  decompose_both: z.boolean().default(false),
  decompose_factor: z.int().default(-1),
  ...{ rank_dropout: off, module_dropout: off, rank_pattern: off, alpha_pattern: off, layers_to_transform: off },
})

const vera = z.object({
  ...model,
  peft_type: z.literal('VERA'),
  r: z.int().min(1),
  vera_dropout: z.number().min(0).lt(1).default(0),
  projection_prng_key: z.int().min(0).default(0),
  save_projection: z.literal(true).default(true),
  bias: z.literal('none').default('none'),
})

const layerNorms = z.object({ ...model, peft_type: z.literal('LN_TUNING') })

const promptTuning = z.object({
  ...model,
  peft_type: z.literal('PROMPT_TUNING'),
  num_virtual_tokens: z.int().min(1),
  num_transformer_submodules: z.literal(1),
})

const config = z.discriminatedUnion('peft_type', [lora, lokr, vera, ia3, layerNorms, promptTuning])
export type PeftConfig = z.infer<typeof config>

const ONE_RANK = 'Train it again with one r and one alpha for all products.'

/** What to do about a value that is not read, or why it is not. */
const REMEDIES: Record<string, string> = {
  bias: "Train it again with bias='none'.",
  rank_pattern: ONE_RANK,
  alpha_pattern: ONE_RANK,
  init_lora_weights:
    'Save it with path_initial_model_for_weight_conversion, which makes a LoRA of the unchanged backbone.',
  save_projection: 'peft does not promise that projections drawn anew are the same. Save with save_projection=True.',
  num_transformer_submodules: 'Prompts of the decoder are not read here.',
  peft_type: '',
}

/** The most letters of a problem that are printed: the value in it is somebody else's. */
const LONGEST = 400

/** Reads peft's config of a folder. @throws UserError that names the first key that is not read here, and its value. */
export function readPeftConfig(folder: string): PeftConfig {
  const at = join(folder, PEFT_FILES.config)
  const json = readJson(at, { limit: CONFIG_LIMIT })
  const parsed = config.safeParse(json)
  if (parsed.success) return parsed.data
  const [{ path, problem }] = wordIssues(parsed.error.issues, config, json, 'It') as [ReturnType<typeof wordIssues>[0]]
  const key = String(path[0] ?? '')
  const told = problem.length > LONGEST ? `${key} has a value that is not read here.` : problem
  const remedy = key === '' ? undefined : (REMEDIES[key] ?? `Train it again without ${key}.`)
  throw new UserError({ at, problem: told, ...(remedy && { remedy }) })
}
