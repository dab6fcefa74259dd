/** Errors of numbers: of these less is better, of every other metric more. */
const ERRORS: readonly string[] = ['mae', 'rmse']
/** Logged next to the metrics, and none of them. */
export const LOSS = 'loss'

/** Whether less of a metric, or of the loss, is better. */
export const lowerIsBetter = (metric: string): boolean => metric === LOSS || ERRORS.includes(metric)

/** A task's metrics that its score is the mean of: all that point one way. Where some are errors, they are left out. */
export function scoreMetrics(metrics: readonly string[]): string[] {
  const own = metrics.filter((metric) => metric !== LOSS)
  const others = own.filter((metric) => !lowerIsBetter(metric))
  return others.length > 0 ? others : own
}

/** A task's score: the mean of those of its metrics that point one way. */
export function taskScore(scores: Readonly<Record<string, number>>): number {
  const metrics = scoreMetrics(Object.keys(scores))
  return metrics.reduce((sum, metric) => sum + scores[metric]!, 0) / metrics.length
}

/** Whether less is better of the score of a task that has these metrics. */
export const lowerScoreIsBetter = (metrics: readonly string[]): boolean => scoreMetrics(metrics).some(lowerIsBetter)

/** Whether no metric can get better: errors are 0, the others 100. Correlations are allowed their rounding. */
export const areBestPossible = (scores: Readonly<Record<string, number>>): boolean =>
  Object.entries(scores).every(([metric, value]) => (lowerIsBetter(metric) ? value === 0 : value > 100 - 1e-9))

/** Sorts scores of one task, the best first. */
export const bestFirst = (metrics: readonly string[]): ((a: number, b: number) => number) =>
  lowerScoreIsBetter(metrics) ? (a, b) => a - b : (a, b) => b - a

/** What these metrics are counted in: `× 100`, but for errors. */
export function unitsOf(metrics: readonly string[]): string {
  const errors = [...new Set(metrics.filter((metric) => ERRORS.includes(metric)))]
  return errors.length === 0 ? '× 100' : `× 100, of ${errors.join(' and ')} in the units of the labels (less is better)`
}
