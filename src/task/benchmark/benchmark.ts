import type { Row } from '../rows/table.js'

export type OfficialSplit = 'train' | 'validation' | 'test'
export type Values = Record<string, unknown>

/** The names of a split's files. */
export interface SplitFiles {
  /** The hub's name of the split. */
  hub: string
  /** Names of the official file without its ending; the first is the official one. */
  official: string[]
}

/**
 * A task of a benchmark: its files, and the functions that make the same rows of the official files and of the hub's.
 */
export interface Benchmark {
  /** The data set on the hub. */
  repository: string
  /** The task's folder in it. */
  config: string
  /** The task's folder in the official archive. */
  folder: string
  /** Splits whose labels are public. */
  splits: Partial<Record<OfficialSplit, SplitFiles>>
  /** The columns of the hub's parquet that are read. */
  columns: string[]
  /** The names of the columns where an official .tsv has no header. */
  headerless?: string[]
  /** The official .tsv has lines that break off before their last column; the hub leaves them out. */
  brokenLines?: boolean
  /** Returns the hub's rows for one row of an official file, in order. */
  fromOfficial(values: Values): Values[]
  /** Returns a row of the hub as the task gets it. @throws RowProblem */
  finish(values: Values): Values
}

/** A row can't be used; the message says why: `column 'premise' is missing.` */
export class RowProblem extends Error {}

/** A row of an official file lacks a column that all of them have. */
export class MissingColumn extends RowProblem {
  constructor(readonly column: string) {
    super(`column '${column}' is missing.`)
  }
}

/** Does `work` on a row's values and returns its rows; a `RowProblem` becomes the row's problem. */
export function attempt(line: number, work: () => Values[]): Row[] {
  try {
    return work().map((values) => ({ line, values }))
  } catch (error) {
    if (error instanceof RowProblem) return [{ line, problem: error.message }]
    throw error
  }
}

export function column(values: Values, name: string): unknown {
  if (!Object.hasOwn(values, name)) throw new MissingColumn(name)
  return values[name]
}

export function textOf(values: Values, name: string): string {
  const value = column(values, name)
  if (typeof value !== 'string') throw new RowProblem(`column '${name}' is not text.`)
  return value
}

/** Returns a label's id as text. `value` is the id, the name, or true or false for the labels False and True. */
export function labelId(value: unknown, names: string[]): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  const text = String(value)
  const named = names.indexOf(text)
  if (named !== -1) return String(named)
  if (/^\d+$/.test(text) && Number(text) < names.length) return String(Number(text))
  throw new RowProblem(`the label is '${text}'; labels are ${names.join(', ')}.`)
}
