import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BackboneConfig, backboneTensors } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import { type ForeignFile, foreignSafetensors } from '../foreign.js'
import type { Found } from '../found.js'
import { type BottleneckOptions, layerIndex, type NameTable, nameTable, phmPart } from '../names_elsewhere.js'
import { placementOf, samplerMethod, sitesIn } from '../samplers.js'
import { openTorchFile } from '../torch/read.js'

const SITE = /^(encoder|decoder)\.block\.(\d{1,3})\.layer\.([012])\.adapter_controller\.adapters\.([^.]+)/

/** The shared rule at the model's root, which each projection has too. */
const ROOT = /^phm_rule(_left|_right)?$/

/** Whether a folder has such a checkpoint; false for one that cannot be read. */
export function isReference(folder: string): boolean {
  try {
    const { tensors, close } = openCheckpoint(folder)
    close()
    return [...tensors.keys()].some((name) => SITE.test(name))
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}

function openCheckpoint(folder: string): ForeignFile {
  const safe = join(folder, 'model.safetensors')
  return existsSync(safe) ? foreignSafetensors(safe) : openTorchFile(join(folder, 'pytorch_model.bin'))
}

/**
 * Reads a checkpoint of the paper's released code: the whole model's state dict, of which the adapters and the layer
 * norms were trained. It does not name the nonlinearity, so the paper's, gelu_new, is used.
 */
export function referenceFolder(folder: string, config: BackboneConfig): Found {
  const own = openCheckpoint(folder)
  const sites = sitesIn(own, SITE)
  const placement = placementOf(sites, own.path)
  const controller = sites[0]!.prefix.replace(/\.adapters\.[^.]+$/, '')
  const task = sites[0]!.prefix.slice(controller.length + '.adapters.'.length)
  const [before, after] = ['pre', 'post'].map((place) => own.tensors.has(`${controller}.${place}_layer_norm.weight`))
  const backbone = new Set([
    ...backboneTensors(config).keys(),
    'encoder.embed_tokens.weight',
    'decoder.embed_tokens.weight',
    'lm_head.weight',
  ])
  return {
    method: {
      ...samplerMethod(own, sites, config),
      nonlinearity: 'gelu_new',
      layer_norm: before ? (after ? 'both' : 'before') : after ? 'after' : 'none',
      placement,
      train_layer_norms: true,
      train_lm_head: false,
    },
    names: (options, config) => referenceNames(options as BottleneckOptions, config, task),
    own,
    backbone: own,
    ignored: (name) =>
      ROOT.test(name) || backbone.has(name) || name.endsWith('EncDecAttention.relative_attention_bias.weight'),
  }
}

function referenceNames(options: BottleneckOptions, config: BackboneConfig, task: string): NameTable {
  const dense = options.kind === 'adapter' && options.factors === 'dense'
  return nameTable(options, config, (name, site, all) => {
    const controller = (each: (typeof all)[number]) =>
      `${each.stack}.block.${each.layer}.layer.${layerIndex(each)}.adapter_controller`
    const sampler = (each: (typeof all)[number], position: string, part: string) =>
      `${controller(each)}.adapters.${task}.${position}_sampler.${dense ? part : phmPart(part)}`
    if (!site) return all.flatMap((each) => ['down', 'up'].map((position) => sampler(each, position, name)))
    const [head, ...rest] = name.split('.') as [string, ...string[]]
    if (head === 'norm_before') return [`${controller(site)}.pre_layer_norm.${rest.join('.')}`]
    if (head === 'norm_after') return [`${controller(site)}.post_layer_norm.${rest.join('.')}`]
    return [sampler(site, head, rest.join('.'))]
  })
}
