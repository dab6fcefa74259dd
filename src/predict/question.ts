import { UserError } from '../base/error.js'
import { nearest } from '../base/text/nearest.js'
import type { TrainedRun } from '../run/trained_run.js'
import { isEncoded } from '../task/encoded.js'
import { columnsOf, type Example, questionOf } from '../task/example.js'
import type { TaskOptions } from '../task/options.js'
import type { InputRow } from './input.js'

/** A row's question to one run. */
export interface Question extends Pick<Example, 'source' | 'second' | 'choices' | 'words'> {
  /** The row's line in the input. */
  line: number
}

/** Returns the columns that a row must have to be predicted. */
function neededColumns(task: TaskOptions, ranked: boolean): string[] {
  const keys = ['prompt', 'texts', 'words', ...(ranked || isEncoded(task) ? ['choices'] : [])]
  return columnsOf(task)
    .filter(({ key }) => keys.includes(key))
    .map(({ column }) => column)
}

/** Returns the column that a single text fills, for the first of the runs. */
export const textColumn = ([run]: TrainedRun[], ranked: boolean): string =>
  neededColumns(run!.experiment.task, ranked)[0]!

/** Whether a single text is a row for all of the runs: each needs one column. */
export const textual = (runs: TrainedRun[], ranked: boolean): boolean =>
  runs.every(({ experiment }) => neededColumns(experiment.task, ranked).length === 1)

/** Checks that single texts are enough for all runs. @throws UserError for a run that needs more columns. */
export function checkTextual(runs: TrainedRun[], ranked: boolean): void {
  for (const { folder, experiment } of runs) {
    const columns = neededColumns(experiment.task, ranked)
    if (columns.length === 1) continue
    const example = JSON.stringify(Object.fromEntries(columns.map((column) => [column, '…'])))
    throw new UserError({
      at: folder,
      problem: `its task ${experiment.task.name} needs the columns ${columns.join(', ')}; a line of text is only one.`,
      remedy: `Give JSON lines, such as ${example}, or a table with a header.`,
    })
  }
}

/**
 * Checks the header of a table: a missing column is a mistake in the file, not in a row.
 * @throws UserError naming the column.
 */
export function checkHeader(runs: TrainedRun[], ranked: boolean, place: string, values: object): void {
  const there = Object.keys(values)
  for (const { folder, experiment } of runs) {
    const column = neededColumns(experiment.task, ranked).find((name) => !there.includes(name))
    if (column === undefined) continue
    const close = nearest(column, there)
    throw new UserError({
      at: place,
      problem: `${folder} needs the column '${column}', which is not in this input.`,
      remedy: `${close === undefined ? '' : `Did you mean '${close}'? `}Columns: ${there.join(', ')}.`,
    })
  }
}

/** Returns a row's question to each run, in their order, or what is wrong with it for one of them. */
export function questionsOf(runs: TrainedRun[], row: InputRow, ranked: boolean): Question[] | { problem: string } {
  if ('problem' in row) return { problem: row.problem }
  const questions: Question[] = []
  for (const { experiment } of runs) {
    const { task } = experiment
    const values = 'text' in row ? { [neededColumns(task, ranked)[0]!]: row.text } : row.values
    const question = questionOf(task, values, ranked)
    if ('problem' in question) return question
    questions.push({ line: row.line, ...question })
  }
  return questions
}
