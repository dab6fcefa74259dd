import { type Experiment, rowsAStep } from '../../experiment/schema.js'

/**
 * Returns a line about the settings in force: `Batch size 100 in parts of 25 rows; adam, learning rate 0.003, linear
 * schedule, 500 warm-up steps.`
 */
export function settingsLine({ training }: Experiment): string {
  const { micro_batch_size: most, optimizer, learning_rate, schedule, warmup_steps } = training
  const rows = rowsAStep(training)
  const parts = most !== undefined && most < rows ? ` in parts of ${most} ${most === 1 ? 'row' : 'rows'}` : ''
  const warmup = `${warmup_steps || 'no'} warm-up ${warmup_steps === 1 ? 'step' : 'steps'}`
  return `Batch size ${rows}${parts}; ${optimizer}, learning rate ${learning_rate}, ${schedule} schedule, ${warmup}.`
}
