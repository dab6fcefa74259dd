import { assertNever } from '../../base/assert_never.js'
import type { Additive } from '../../statistics/additive.js'
import type { RankCorrelation } from '../../statistics/ranks/correlation.js'
import { bestMatch } from '../../task/metrics/answers.js'
import type { TagMetric } from '../../task/metrics/entities.js'
import { BEST, type Classes, type TaskMetric } from '../../task/metrics/metrics.js'
import { matthewsCorrelation, meanF1, positiveF1 } from './of_labels.js'
import { meanError, pearsonCorrelation, spearmanCorrelation } from './of_numbers.js'
import { groupExactMatch, meanOfRows } from './of_rows.js'
import { entityScore, wordAccuracy } from './of_tags.js'
import type { AnyMetric, ScoredRows } from './scored_rows.js'

export type Score = Additive | RankCorrelation

/**
 * Returns a metric of answered rows that can be resampled: × 100, errors in their units, and of all rows the same as
 * `scoreExamples` and `scoreTags` give. `outputs` are the outputs of all compared runs.
 */
export function scoreOf(metric: AnyMetric, scored: ScoredRows, outputs: readonly string[]): Score {
  return scored.kind === 'token_classification'
    ? tagScore(metric as TagMetric, scored)
    : textScore(metric as TaskMetric, scored, outputs)
}

function tagScore(metric: TagMetric, scored: ScoredRows): Score {
  return metric === 'accuracy' ? wordAccuracy(scored) : entityScore(scored, metric)
}

function textScore(metric: TaskMetric, scored: ScoredRows, outputs: readonly string[]): Score {
  switch (metric) {
    case 'accuracy':
    case 'exact_match':
    case 'token_f1':
    case 'rouge_l':
      return meanOfBest(scored, BEST[metric]!)
    case 'f1':
    case 'f1a':
      return positiveF1(scored, known(scored.classes))
    case 'macro_f1':
      return meanF1(scored, known(scored.classes))
    case 'matthews':
      return matthewsCorrelation(scored, outputs)
    case 'group_exact_match':
      return groupExactMatch(scored)
    case 'pearson':
      return pearsonCorrelation(scored)
    case 'spearman':
      return spearmanCorrelation(scored)
    case 'mae':
      return meanError(scored, Math.abs, (mean) => mean)
    case 'rmse':
      return meanError(scored, (error) => error ** 2, Math.sqrt)
    default:
      return assertNever(metric, 'metric')
  }
}

const meanOfBest = (scored: ScoredRows, best: (prediction: string, target: string) => number): Additive =>
  meanOfRows(scored, (row) => {
    const { prediction, target, answers } = scored.rows[row]!
    return bestMatch(best, prediction.trim(), answers ?? [target.trim()])
  })

function known(classes: Classes | undefined): Classes {
  if (!classes) throw new Error('F1 cannot be scored without the labels of the task')
  return classes
}
