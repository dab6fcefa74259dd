import type { EncoderFamily } from '../family.js'
import { encoderSites } from '../hooks.js'
import { type DebertaConfig, debertaJson, parseDebertaConfig, toHuggingFace } from './config.js'
import { debertaHeadTensors, debertaTensors, ignores } from './tensors.js'

/**
 * DeBERTa v2 and v3 (arXiv 2006.03654, 2111.09543): a BERT whose attention sees the distances between tokens, in
 * addition to what they are.
 */
export const deberta: EncoderFamily<DebertaConfig> = {
  name: 'deberta',
  types: ['deberta-v2'],
  shape: 'encoder',
  schema: debertaJson,
  parse: parseDebertaConfig,
  toHuggingFace,
  tensors: debertaTensors,
  sites: encoderSites,
  ignores,
  initialStd: ({ initializerRange }) => initializerRange,
  longest: ({ positions }) => positions,
  forHead: (config) => config,
  headTensors: debertaHeadTensors,
}
