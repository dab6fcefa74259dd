import type { EvaluatedRuns } from '../engine/evaluate/evaluate_run.js'

/** What `eval --json` prints. */
export const evaluationJson = ({ evaluated, storage }: EvaluatedRuns, split: string): object => ({
  runs: evaluated.map(
    ({ run, task, scoring, scores, beams, precision, confusion, entities, examples, otherRows, otherTask }) => ({
      ...{ run, task, split, scoring, rows: examples.length, scores },
      ...(beams !== undefined && { beams }),
      precision,
      ...(otherRows && { other_rows: otherRows }),
      ...(otherTask !== undefined && { other_task: otherTask }),
      ...(confusion && { confusion }),
      ...(entities && { entities }),
    }),
  ),
  storage,
})
