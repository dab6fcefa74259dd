import type { TrainingOptions } from '../experiment/schema.js'
import { adafactor } from './adafactor.js'
import { adam, adamW } from './adam.js'
import type { Optimizer } from './optimizer.js'

/** The optimiser that an experiment names. */
export function optimizerOf({
  optimizer,
  weight_decay,
}: Pick<TrainingOptions, 'optimizer' | 'weight_decay'>): Optimizer {
  if (optimizer === 'adamw') return adamW(weight_decay)
  return optimizer === 'adafactor' ? adafactor(weight_decay) : adam
}
