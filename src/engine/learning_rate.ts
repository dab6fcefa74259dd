/** Linear warm-up, then linear decay to 0. Steps count from 0: the first rate is 0 unless there is no warm-up. */
export function learningRate(step: number, schedule: { peak: number; warmup: number; steps: number }): number {
  const { peak, warmup, steps } = schedule
  if (step < warmup) return (peak * step) / warmup
  return peak * Math.max(0, (steps - step) / Math.max(1, steps - warmup))
}

/**
 * Warm-up steps in force: those asked for where the run has as many, else half of the run, so that the peak is reached.
 * The paper's 500 are the whole run on its smallest tasks (RTE: 20 epochs of 25 steps), where they stay 500.
 */
export const warmupInForce = (asked: number, steps: number): number => (asked <= steps ? asked : Math.floor(steps / 2))
