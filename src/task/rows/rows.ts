import { UserError } from '../../base/error.js'
import { counted } from '../../base/text/counted.js'
import { nearest } from '../../base/text/nearest.js'
import { columnsOf, type Example, exampleOf, type RowProblem } from '../example.js'
import type { RowText, TaskOptions } from '../options.js'
import { columnNames } from './column_names.js'
import { TaskMisfit } from './misfit.js'
import type { Row } from './table.js'

/** The most rows with problems that an error lists. */
export const ROWS_SHOWN = 5

type Rows = Iterable<Row> | AsyncIterable<Row>
type Read = Extract<Row, { values: unknown }>

/** The problem of the row at that line. */
export interface Problem {
  line: number
  problem: string
}

/** What `readExamples` does with rows that can't be used; `skipped` is called once, at the end. */
export interface BadRows {
  on_bad_row: TaskOptions['on_bad_row']
  skipped?: (report: string) => void
}

/**
 * Yields rows as source and target texts, one at a time, in their order; `file` is the name for errors.
 * @throws TaskMisfit if the task names a column that the rows lack.
 * @throws UserError `file:line: …` for the first rows that can't be used, with the number of further ones, if they are
 *   not to be skipped; and if no row is left.
 */
export async function* readExamples(
  task: RowText,
  file: string,
  rows: Rows,
  { on_bad_row, skipped }: BadRows = { on_bad_row: 'error' },
): AsyncGenerator<Example> {
  const problems: Problem[] = []
  let bad = 0
  let good = 0
  let columnsKnown = false
  for await (const row of rows) {
    if ('values' in row && !columnsKnown) {
      checkColumns(task, file, row)
      columnsKnown = true
    }
    const result = 'values' in row ? exampleOf(task, row.values) : row
    if ('problem' in result) {
      if (++bad <= ROWS_SHOWN) problems.push({ line: row.line + linesBefore(row, result), problem: result.problem })
    } else if (bad === 0 || on_bad_row === 'skip') {
      good++
      yield { row: row.line, ...result }
    }
  }
  if (bad > 0 && on_bad_row === 'error') throw rowsError(file, problems, bad)
  if (good === 0) throw bad > 0 ? rowsError(file, problems, bad) : noRows(file)
  if (bad > 0)
    skipped?.(`${bad.toLocaleString('en')} of ${counted(bad + good, 'row')} skipped.\n${listed(file, problems, bad)}`)
}

/** The lines of a row before the word that a problem is about. */
const linesBefore = (row: Row, { word = 0 }: RowProblem): number => ('wordLines' in row ? word : 0)

/**
 * Checks the first row of a split's file: whether it can be read as a table and has the columns that the task names.
 * @throws TaskMisfit or UserError, as readExamples does.
 */
export async function checkHead(task: RowText, file: string, rows: Rows): Promise<void> {
  for await (const row of rows) {
    if (!('values' in row)) throw rowsError(file, [row], 1)
    checkColumns(task, file, row)
    return
  }
  throw noRows(file)
}

const noRows = (file: string) => new UserError({ at: file, problem: 'there are no rows.' })

/** Refuses a column that not even the first row has: this is a mistake in the experiment, not in a row. */
function checkColumns(task: RowText, file: string, { values }: Read): void {
  const there = Object.keys(values)
  for (const { key, column } of columnsOf(task)) {
    if (Object.hasOwn(values, column)) continue
    const close = nearest(column, there)
    const problem = (called: string) => `task.${key} names the column '${column}', which is not in ${called}.`
    const remedy = `${close === undefined ? '' : `Did you mean '${close}'? `}Columns: ${columnNames(there)}.`
    throw new TaskMisfit(key, file, problem, remedy)
  }
}

/** Returns an error that lists the first problems of `bad` rows. */
export function rowsError(file: string, problems: Problem[], bad: number): UserError {
  const at = `${file}:${problems[0]!.line}`
  const problem = listed(file, problems, bad).slice(at.length + 2)
  return new UserError({ at, problem })
}

/** Returns `file:line: …` for each of the first problems, and the number of further ones. */
function listed(file: string, problems: Problem[], bad: number): string {
  const lines = problems.map(({ line, problem }) => `${file}:${line}: ${problem}`)
  const more = bad - problems.length
  if (more > 0) lines.push(`${more} more ${more === 1 ? 'row has a problem' : 'rows have problems'}.`)
  return lines.join('\n')
}
