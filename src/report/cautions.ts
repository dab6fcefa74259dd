import { type FinishedRun, type Group, unique } from '../run/compare/groups.js'

/** Returns for each task a warning where scores are of different rows, which can't be compared. */
export function cautionsOf(groups: readonly Group[]): string[] {
  return unique(groups.map(({ task }) => task)).flatMap((task) => {
    const own = groups.filter((group) => group.task === task)
    return [...differingTests(task, own), ...differingValidations(task, own)]
  })
}

function differingTests(task: string, groups: readonly Group[]): string[] {
  const runs = groups.flatMap((group) => group.runs)
  const rows = unique(runs.flatMap(({ environment }) => environment?.data_sha256.test ?? []))
  return rows.length > 1 ? [`${task}: the test files of these runs differ, so their scores do not compare.`] : []
}

/** What is best, and the order of rows, compares validation scores. */
function differingValidations(task: string, groups: readonly Group[]): string[] {
  const runs = groups.flatMap(({ finished }) => finished)
  const files = unique(runs.flatMap(({ environment }) => environment?.data_sha256.validation ?? []))
  const so = 'so neither the order of the rows nor the best on validation says which method is better.'
  if (files.length > 1) return [`${task}: the validation files of these runs differ, ${so}`]
  const rows = unique(runs.map(evaluatedRows))
  return rows.length > 1 ? [`${task}: validation scores are of different rows (${rows.join('; ')}), ${so}`] : []
}

/** Returns `100 of 1,066`, or `all` where evaluations during training were on every row. */
function evaluatedRows({ environment }: FinishedRun): string {
  const drawn = environment?.evaluation_rows
  return drawn ? [drawn.rows, drawn.of].map((count) => count.toLocaleString('en')).join(' of ') : 'all'
}
