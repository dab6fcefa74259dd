import type { Precision, Scoring } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import type { Experiment } from '../../experiment/schema.js'
import type { TrainedRun } from '../../run/trained_run.js'
import { isEncoded } from '../../task/encoded.js'
import type { Told } from '../../task/labels/told_apart.js'
import { isRankable } from '../../task/metrics/scoring.js'

/**
 * Checks that a task's outputs are a few labels or choices, which can be ranked.
 * @throws UserError where they are not.
 */
export function checkRankable(task: Experiment['task']): void {
  if (isRankable(task)) return
  throw new UserError({
    at: '--scoring rank',
    problem: `the task ${task.name} is of kind ${task.kind}: its outputs are not a few labels.`,
    remedy: 'Use --scoring generate.',
  })
}

/** Refuses beams where nothing is decoded, and in another precision than float32. @throws UserError */
export function checkSearched(
  { experiment }: Pick<TrainedRun, 'experiment'>,
  { scoring, beams = 1, precision = 'float32' }: { scoring: Scoring; beams?: number; precision?: Precision },
): void {
  if (beams === 1) return
  if (precision !== 'float32')
    throw new UserError({
      at: `--precision ${precision}`,
      problem: `the search of --beams ${beams} computes in float32.`,
      remedy: 'Leave one of the two out.',
    })
  const headed = isEncoded(experiment.task)
  if (scoring === 'generate' && !headed) return
  if (headed)
    throw new UserError({
      at: `--beams ${beams}`,
      problem: 'the head of an encoder answers at once: a search has no part in it.',
      remedy: 'Leave --beams out.',
    })
  throw new UserError({
    at: `--beams ${beams}`,
    problem: 'labels are ranked, not decoded: a search has no part in it.',
    remedy: 'Leave --beams out, or add --scoring generate.',
  })
}

/**
 * Returns how the outputs of a run are found: the head of an encoder chooses labels or choices, or puts a number out.
 */
export const scoringInForce = ({ experiment, elsewhere }: TrainedRun, asked = experiment.training.scoring): Scoring => {
  if (!isEncoded((elsewhere?.own.experiment ?? experiment).task)) return asked
  return isRankable(experiment.task) ? 'rank' : 'generate'
}

/** Returns how a command with `--scoring` finds the outputs of a task, and how it could. */
export const rankingOf = (task: Experiment['task'], scoring: Scoring): Pick<Told, 'scoring' | 'ranking'> => ({
  scoring,
  ...(isRankable(task) && { ranking: '--scoring rank' }),
})
