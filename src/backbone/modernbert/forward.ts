import type { Encoder } from '../encoder.js'
import type { ModernBertConfig } from './config.js'
import { contextual, headLogits, lengthConstants } from './model.js'

export const modernBertForward: Encoder<ModernBertConfig> = { contextual, headLogits, lengthConstants }
