import { join } from 'node:path'
import { siteName } from '../../backbone/hooks.js'
import {
  type BackboneConfig,
  backboneTensors,
  familyOf,
  headTensor,
  headTensors,
  isEncoder,
} from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import type { Placement } from '../../method/options/shared.js'
import { targetsOf } from '../../method/targets.js'
import { isOfNorm } from '../../method/unfrozen.js'
import { type ForeignFile, foreignSafetensors } from '../foreign.js'
import type { Found } from '../found.js'
import { readPeftConfig } from './config.js'
import { checkMadeFor } from './made_for.js'
import {
  headModules,
  moduleOf,
  PEFT_FILES,
  PEFT_PROJECTIONS,
  PEFT_PROMPT,
  type PeftOptions,
  PREFIX,
  peftNames,
} from './names.js'
import { checkProjections } from './projections.js'
import { IN_FRONT, TIED_HEAD } from './write.js'

/**
 * Reads a folder that Hugging Face peft saved: LoRA, DoRA, LoKr, VeRA, IA³ or layer norms, with the head of an encoder;
 * or prompts of a T5's encoder.
 */
export function peftFolder(folder: string, backbone: BackboneConfig): Found {
  const at = join(folder, PEFT_FILES.config)
  const read = readPeftConfig(folder)
  checkMadeFor(folder, read, backbone)
  const own = withoutPrefix(foreignSafetensors(join(folder, PEFT_FILES.weights)))
  const names: Found['names'] = (options, config) => peftNames(options as PeftOptions, config)
  const found = { names, own, backbone: own, ignored: () => false, trainedOn: read.base_model_name_or_path }
  checkHead(own, backbone)
  checkTiedHead(own, backbone)
  if (read.peft_type === 'PROMPT_TUNING' && isEncoder(backbone))
    throw new UserError({ at, problem: `has prompts: ${IN_FRONT}` })
  if (read.peft_type === 'PROMPT_TUNING')
    return { ...found, method: { kind: 'prompt_tuning', length: own.tensors.get(PEFT_PROMPT)?.shape[0] ?? 1 } }
  if (read.peft_type === 'LN_TUNING') return { ...found, method: { kind: 'layer_norm_tuning' } }
  const head = headTensor(backbone)
  const trained = {
    train_layer_norms: [...backboneTensors(backbone)].some(
      ([name, { role }]) => isOfNorm(role) && own.tensors.has(name),
    ),
    train_lm_head: head !== undefined && own.tensors.has(head),
  }
  if (read.peft_type === 'IA3') {
    const chosen = chosenProducts(own, backbone, ['ia3_l'])
    return {
      ...found,
      method: { kind: 'ia3', ...chosen, scaled_inputs: scaledInputs(own, backbone, chosen.targets), ...trained },
    }
  }
  if (read.peft_type === 'LOKR') {
    const { r: rank, alpha, decompose_both, decompose_factor } = read
    const chosen = chosenProducts(own, backbone, ['lokr_w2', 'lokr_w2_a'])
    return { ...found, method: { kind: 'lokr', rank, alpha, decompose_both, decompose_factor, ...chosen, ...trained } }
  }
  if (read.peft_type === 'VERA') {
    const { r: rank, vera_dropout: dropout, projection_prng_key: projection_seed } = read
    const chosen = chosenProducts(own, backbone, ['vera_lambda_b'])
    const method = { kind: 'vera', rank, dropout, projection_seed, ...chosen, ...trained }
    checkProjections(own, method, backbone)
    return { ...found, method, ignored: (name) => Object.values<string>(PEFT_PROJECTIONS).includes(name) }
  }
  const method = {
    ...{ kind: 'lora', rank: read.r, alpha: read.lora_alpha, dropout: read.lora_dropout },
    ...{ rank_stabilised: read.use_rslora, magnitudes: read.use_dora },
    ...chosenProducts(own, backbone, ['lora_A.weight']),
    ...trained,
  }
  return { ...found, method }
}

/** @throws UserError where an encoder's head is not in the file: without it the folder answers nothing. */
function checkHead({ path, tensors }: ForeignFile, backbone: BackboneConfig): void {
  const missing = [...headTensors(backbone).keys()].find((name) => !tensors.has(name))
  if (missing === undefined) return
  const modules = headModules(backbone).map((name) => `"${name}"`)
  throw new UserError({
    at: path,
    problem: `has no tensor ${missing}, which is of the head.`,
    remedy: `Train and save the whole head: modules_to_save=[${modules.join(', ')}].`,
  })
}

/** @throws UserError where a head was trained that is the embedding table of this backbone. */
function checkTiedHead({ path, tensors }: ForeignFile, backbone: BackboneConfig): void {
  const { head } = familyOf(backbone)
  if (head === undefined || head === headTensor(backbone) || !tensors.has(head)) return
  throw new UserError({
    at: path,
    problem: `has tensor ${head}: ${TIED_HEAD}`,
    remedy: 'Train it again without lm_head in modules_to_save; target_modules of LoRA may name it.',
  })
}

/** The targets whose vectors are rows [1, in]: they scale inputs. */
function scaledInputs({ tensors }: ForeignFile, backbone: BackboneConfig, targets: string[]): string[] {
  const changed = targetsOf({ targets, placement: EVERYWHERE }, backbone)
  return targets.filter((target) =>
    changed.some(({ name, product }) => {
      const shape = tensors.get(`${moduleOf(product)}.ia3_l`)?.shape
      return (name === target || name.endsWith(`.${target}`)) && shape?.[0] === 1 && shape[1] !== 1
    }),
  )
}

/** The file with its names as the backbone has them. */
function withoutPrefix(file: ForeignFile): ForeignFile {
  const tensors = [...file.tensors].map(([name, tensor]) => [name.replace(PREFIX, ''), tensor] as const)
  return { ...file, tensors: new Map(tensors) }
}

/** The placement that the options have by default. */
const EVERYWHERE = {
  ...{ encoder_layers: 'all', decoder_layers: 'all' },
  sublayers: ['attention', 'cross_attention', 'feed_forward'],
} satisfies Placement

/** The targets and the placement that choose the products which the file changes: each has one of `parts`. */
function chosenProducts({ path, tensors }: ForeignFile, backbone: BackboneConfig, parts: string[]) {
  const has = (product: string) => parts.some((part) => tensors.has(`${moduleOf(product)}.${part}`))
  const found = [...backboneTensors(backbone)].flatMap(([name, { role, site, product }]) =>
    role === 'product' && site !== undefined && product !== undefined && has(name) ? [{ site, product }] : [],
  )
  const { head } = familyOf(backbone)
  const distinct = <T>(values: T[]) => [...new Set(values)]
  const products = distinct(found.map(({ product }) => product))
  const layers = (stack: string) =>
    distinct(found.filter(({ site }) => site.stack === stack).map(({ site }) => site.layer))
  const placement = {
    sublayers: distinct(found.map(({ site }) => site.sublayer)),
    encoder_layers: layers('encoder'),
    decoder_layers: layers('decoder'),
  }
  const targets = [...products, ...(head !== undefined && has(head) ? [moduleOf(head)] : [])]
  if (targets.length === 0) throw new UserError({ at: path, problem: 'changes no product of this backbone.' })
  if (targetsOf({ targets, placement: EVERYWHERE }, backbone).every(({ product }) => has(product))) return { targets }
  const missing = targetsOf({ targets, placement }, backbone).find(({ product }) => !has(product))
  if (missing === undefined) return { targets, placement }
  const { site, product } = backboneTensors(backbone).get(missing.matrix)!
  const problem =
    `changes ${product} in some sublayers and not in ${siteName(site!)}: targets and placement of a method here ` +
    'choose the same products in every sublayer.'
  throw new UserError({ at: path, problem })
}
