import type { ScheduleName } from '../../base/choices.js'

export interface Schedule {
  /** 'linear' by default. */
  name?: ScheduleName
  peak: number
  warmup: number
  /** Of the whole run. */
  steps: number
}

/**
 * Linear warm-up, then the schedule, as in the transformers library. Steps count from 0: the first rate is 0 unless there is
 * no warm-up.
 */
export function learningRate(step: number, { name = 'linear', peak, warmup, steps }: Schedule): number {
  if (step < warmup) return (peak * step) / warmup
  const left = Math.max(0, (steps - step) / Math.max(1, steps - warmup))
  if (name === 'linear') return peak * left
  return name === 'cosine' ? (peak * (1 + Math.cos(Math.PI * (1 - left)))) / 2 : peak
}

/**
 * Warm-up steps in force. Below 1 it is a share of the run, rounded up. Otherwise those asked for where the run has as many,
 * else half of the run, so that the peak is reached. The paper's 500 are the whole run on its smallest tasks (RTE: 20 epochs of 25 steps), where
 * they stay 500.
 */
export function warmupInForce(asked: number, steps: number): number {
  if (asked < 1) return Math.ceil(asked * steps)
  return asked <= steps ? asked : Math.floor(steps / 2)
}
