import { assertNever } from '../../base/assert_never.js'
import type { TrainingOptions } from '../../experiment/schema.js'
import { adafactor } from './adafactor.js'
import { adam, adamW } from './adam.js'
import type { Optimizer } from './optimizer.js'

/** Returns the optimiser that an experiment names. */
export function optimizerOf({
  optimizer,
  weight_decay,
}: Pick<TrainingOptions, 'optimizer' | 'weight_decay'>): Optimizer {
  switch (optimizer) {
    case 'adam':
      return adam
    case 'adamw':
      return adamW(weight_decay)
    case 'adafactor':
      return adafactor(weight_decay)
    default:
      return assertNever(optimizer, 'optimiser')
  }
}
