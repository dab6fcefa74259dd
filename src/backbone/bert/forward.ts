import type { Encoder } from '../encoder.js'
import type { BertConfig } from './config.js'
import { contextual, headLogits } from './model.js'

export const bertForward: Encoder<BertConfig> = { contextual, headLogits, lengthConstants: () => [] }
