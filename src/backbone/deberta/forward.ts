import type { Encoder } from '../encoder.js'
import type { DebertaConfig } from './config.js'
import { distanceConstants } from './distance.js'
import { contextual, headLogits } from './model.js'

export const debertaForward: Encoder<DebertaConfig> = { contextual, headLogits, lengthConstants: distanceConstants }
