import type { Family } from '../family.js'
import { parseT5Config, type T5Config, t5Json, toHuggingFace } from './config.js'
import { headIn } from './head.js'
import { HEAD, ignoredTensors, initialStd, t5Sites, t5Tensors } from './tensors.js'

/** T5 v1.0 and v1.1, FLAN-T5 and mT5 (arXiv 1910.10683, 2010.11934). */
export const t5: Family<T5Config> = {
  name: 't5',
  types: ['t5', 'mt5'],
  shape: 'encoder-decoder',
  schema: t5Json,
  parse: (json, at, folder) => parseT5Config(json, at, folder === undefined ? undefined : headIn(folder)),
  toHuggingFace,
  tensors: t5Tensors,
  sites: t5Sites,
  ignores: (name) => ignoredTensors.has(name),
  head: HEAD,
  initialStd,
}
