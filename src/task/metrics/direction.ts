/** Metrics that are errors: less is better. For every other metric more is better. */
const ERRORS: readonly string[] = ['mae', 'rmse']
/** Logged next to the metrics, but not one of them. */
export const LOSS = 'loss'

/** Whether a lower value of a metric, or of the loss, is better. */
export const lowerIsBetter = (metric: string): boolean => metric === LOSS || ERRORS.includes(metric)

/**
 * Returns the metrics whose mean is the task's score. All of them point one way: errors are left out if there are
 * others.
 */
export function scoreMetrics(metrics: readonly string[]): string[] {
  const own = metrics.filter((metric) => metric !== LOSS)
  const others = own.filter((metric) => !lowerIsBetter(metric))
  return others.length > 0 ? others : own
}

/** Returns a task's score: the mean of `scoreMetrics`. */
export function taskScore(scores: Readonly<Record<string, number>>): number {
  const metrics = scoreMetrics(Object.keys(scores))
  return metrics.reduce((sum, metric) => sum + scores[metric]!, 0) / metrics.length
}

/** Whether a lower score is better for a task with these metrics. */
export const lowerScoreIsBetter = (metrics: readonly string[]): boolean => scoreMetrics(metrics).some(lowerIsBetter)

/** Whether no metric can get better: errors are 0, the others 100. Correlations may differ by rounding. */
export const areBestPossible = (scores: Readonly<Record<string, number>>): boolean =>
  Object.entries(scores).every(([metric, value]) => (lowerIsBetter(metric) ? value === 0 : value > 100 - 1e-9))

/** Sorts scores of one task, best first. */
export const bestFirst = (metrics: readonly string[]): ((a: number, b: number) => number) =>
  lowerScoreIsBetter(metrics) ? (a, b) => a - b : (a, b) => b - a

/** Returns the unit of these metrics: `× 100`, except for errors. */
export function unitsOf(metrics: readonly string[]): string {
  const errors = [...new Set(metrics.filter((metric) => ERRORS.includes(metric)))]
  return errors.length === 0 ? '× 100' : `× 100, of ${errors.join(' and ')} in the units of the labels (less is better)`
}
