import { ExperimentError, UserError } from '../error.js'
import { nearest } from '../nearest.js'
import type { TaskOptions } from './options.js'
import { type Row, readTable } from './table.js'

export const SPLITS = ['train', 'validation', 'test'] as const
export type Split = (typeof SPLITS)[number]

/** One row as the backbone sees it. */
export interface Example {
  /** Line in the file, from 1; the first one where a row has several. */
  row: number
  source: string
  target: string
  /** The label column's value as text; `target` is what `labels` makes of it. */
  label: string
}

const ROWS_SHOWN = 5

/** What makes text of a row. */
export type RowText = Pick<TaskOptions, 'prompt' | 'label' | 'labels'>

/** A split's rows as text in and text out, in the file's order. @throws as `examplesOf`, and for a file as a whole. */
export function readExamples(task: TaskOptions, split: Split): Example[] {
  return examplesOf(task, task[split], readTable(task[split]))
}

/**
 * Rows as text in and text out; `file` is what errors name.
 * @throws ExperimentError if prompt or label name a column that the rows lack.
 * @throws UserError `file:line: …` for the first rows that can't be used, with the number of further ones.
 */
export function examplesOf(task: RowText, file: string, rows: Iterable<Row>): Example[] {
  const columns = promptColumns(task.prompt)
  const examples: Example[] = []
  const problems: { line: number; problem: string }[] = []
  let bad = 0
  let columnsKnown = false
  for (const row of rows) {
    if ('values' in row && !columnsKnown) {
      checkColumns(task, columns, file, row)
      columnsKnown = true
    }
    const result = 'values' in row ? example(task, columns, row) : row
    if (!('problem' in result)) examples.push(result)
    else if (++bad <= ROWS_SHOWN) problems.push(result)
  }
  if (bad > 0) throw rowsError(file, problems, bad)
  if (examples.length === 0) throw new UserError({ at: file, problem: 'there are no rows.' })
  return examples
}

/**
 * Checks the head of a split's file: that it can be read as a table and has the columns that prompt and label name.
 * @throws ExperimentError or UserError, as readExamples does.
 */
export function checkHead(task: TaskOptions, split: Split): void {
  const file = task[split]
  for (const row of readTable(file)) {
    if (!('values' in row)) throw rowsError(file, [row], 1)
    checkColumns(task, promptColumns(task.prompt), file, row)
    return
  }
  throw new UserError({ at: file, problem: 'there are no rows.' })
}

/** The columns that a prompt template names, `{column}`. */
export function promptColumns(prompt: string): string[] {
  return [...new Set([...prompt.matchAll(PLACEHOLDER)].map((match) => match[1]!))]
}

const PLACEHOLDER = /\{([^{}]+)\}/g

type Read = Extract<Row, { values: unknown }>
type Problem = Exclude<Row, Read>

function example(task: RowText, columns: string[], { line, values }: Read): Example | Problem {
  for (const column of [...columns, task.label]) {
    const problem = valueProblem(values, column)
    if (problem) return { line, problem: `column '${column}' ${problem}.` }
  }
  const label = String(values[task.label])
  if (label.trim() === '') return { line, problem: `column '${task.label}' is empty.` }
  if (task.labels && !Object.hasOwn(task.labels, label)) {
    return { line, problem: `the label is '${label}'; labels are ${Object.keys(task.labels).join(', ')}.` }
  }
  const source = task.prompt.replace(PLACEHOLDER, (_, column: string) => String(values[column]))
  return { row: line, source, target: task.labels?.[label] ?? label, label }
}

function valueProblem(values: Record<string, unknown>, column: string): string | undefined {
  if (!Object.hasOwn(values, column)) return 'is missing'
  const value = values[column]
  if (value === null) return 'is null'
  if (Array.isArray(value)) return 'is a list; text, a number or a boolean is needed'
  if (typeof value === 'object') return 'is an object; text, a number or a boolean is needed'
  return undefined
}

/** A column that not even the first row has is a mistake of the experiment, not of a row. */
function checkColumns(task: RowText, columns: string[], file: string, { line, values }: Read): void {
  const there = Object.keys(values)
  const wanted = [...columns.map((name) => ['prompt', name] as const), ['label', task.label] as const]
  for (const [key, name] of wanted) {
    if (Object.hasOwn(values, name)) continue
    const close = nearest(name, there)
    throw new ExperimentError({
      at: `${file}:${line}`,
      problem: `task.${key} names the column '${name}', which is not in this file.`,
      remedy: `${close === undefined ? '' : `Did you mean '${close}'? `}Columns: ${there.join(', ')}.`,
    })
  }
}

function rowsError(file: string, problems: Problem[], bad: number): UserError {
  const [first, ...others] = problems
  const lines = [first!.problem, ...others.map(({ line, problem }) => `${file}:${line}: ${problem}`)]
  const more = bad - problems.length
  if (more > 0) lines.push(`${more} more ${more === 1 ? 'row has a problem' : 'rows have problems'}.`)
  return new UserError({ at: `${file}:${first!.line}`, problem: lines.join('\n') })
}
