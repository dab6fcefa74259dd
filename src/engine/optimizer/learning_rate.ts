import type { ScheduleName } from '../../base/choices.js'

export interface Schedule {
  /** 'linear' by default. */
  name?: ScheduleName
  peak: number
  warmup: number
  /** Steps of the whole run. */
  steps: number
}

/**
 * Returns the learning rate of a step: linear warm-up, then the schedule, as in the transformers library. Steps count
 * from 0, so the first rate is 0 if there is a warm-up.
 */
export function learningRate(step: number, { name = 'linear', peak, warmup, steps }: Schedule): number {
  if (step < warmup) return (peak * step) / warmup
  const left = Math.max(0, (steps - step) / Math.max(1, steps - warmup))
  if (name === 'linear') return peak * left
  return name === 'cosine' ? (peak * (1 + Math.cos(Math.PI * (1 - left)))) / 2 : peak
}

/**
 * Returns the number of warm-up steps. A value below 1 is a share of the run, rounded up. Otherwise it is the value
 * itself if the run has that many steps, or else half of the run, so that the peak is reached. The paper's 500 are the
 * whole run on its smallest tasks (RTE: 20 epochs of 25 steps), where they stay 500.
 */
export function warmupInForce(asked: number, steps: number): number {
  if (asked < 1) return Math.ceil(asked * steps)
  return asked <= steps ? asked : Math.floor(steps / 2)
}
