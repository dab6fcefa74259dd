import { z } from 'zod'
import type { EncoderFamily } from '../family.js'
import { storedShapes } from '../files/stored_shapes.js'
import { encoderSites } from '../hooks.js'
import { type BertConfig, bertJson, distilbertJson, longestRow, parseBertConfig, toHuggingFace } from './config.js'
import { ignores, MODEL_TYPES, TYPES } from './names.js'
import { bertHeadTensors, bertTensors, forHead } from './tensors.js'

/**
 * BERT, RoBERTa, XLM-RoBERTa, ELECTRA and DistilBERT (arXiv 1810.04805, 1907.11692, 1911.02116, 2003.10555,
 * 1910.01108):
 * layer norms behind each residual sum, a bias in every product.
 */
export const bert: EncoderFamily<BertConfig> = {
  name: 'bert',
  types: MODEL_TYPES,
  shape: 'encoder',
  schema: z.union([bertJson, distilbertJson]),
  parse: (json, at, folder) => parseBertConfig(json, at, folder === undefined ? undefined : hasPooler(folder)),
  toHuggingFace,
  tensors: bertTensors,
  sites: encoderSites,
  ignores,
  initialStd: ({ initializerRange }) => initializerRange,
  longest: longestRow,
  forHead,
  headTensors: bertHeadTensors,
}

/** Undefined where weights are missing or damaged, which is reported when they are opened. */
function hasPooler(folder: string): boolean | undefined {
  const stored = storedShapes(folder)
  const poolers = Object.values(TYPES).flatMap(({ pooler, prefix }) =>
    pooler === undefined ? [] : [pooler, pooler.slice(prefix.length + 1)],
  )
  return stored && poolers.some((pooler) => stored.has(`${pooler}.weight`))
}
