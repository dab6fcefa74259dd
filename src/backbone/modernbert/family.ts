import type { EncoderFamily } from '../family.js'
import { encoderSites } from '../hooks.js'
import { type ModernBertConfig, modernBertJson, parseModernBertConfig, toHuggingFace } from './config.js'
import { ignores, modernBertHeadTensors, modernBertTensors, withBiases } from './tensors.js'

/**
 * ModernBERT (arXiv 2412.13663): norms in front of the sublayers, no biases by default, rotated queries and keys, and
 * layers in which tokens see only their neighbours.
 */
export const modernbert: EncoderFamily<ModernBertConfig> = {
  name: 'modernbert',
  types: ['modernbert'],
  shape: 'encoder',
  schema: modernBertJson,
  parse: parseModernBertConfig,
  toHuggingFace,
  tensors: modernBertTensors,
  sites: encoderSites,
  ignores,
  initialStd: ({ initializerRange }) => initializerRange,
  longest: ({ positions }) => positions,
  forHead: (config) => config,
  headTensors: modernBertHeadTensors,
  withBiases,
}
