import { csvLine, tsvLine } from '../base/text/csv.js'
import type { TrainedRun } from '../run/trained_run.js'
import type { InputRow } from './input.js'
import { type Answer, type Outcome, type Output, probabilities } from './output.js'
import { openSpool } from './spool.js'
import type { RowWriter } from './writer.js'

export interface TableOptions {
  /** The table's file. */
  path: string
  format: 'csv' | 'tsv'
  runs: Pick<TrainedRun, 'folder' | 'experiment'>[]
  ranked: boolean
  /** The column of a single text; undefined where rows have their own columns. */
  textColumn: string | undefined
  /** Returns a row's place for errors. */
  place(line: number): string
  warn(text: string): void
}

/** A row on its way: the values of the input's columns known by then, and what was predicted, or why nothing was. */
interface Waiting {
  values: unknown[]
  predicted: unknown[]
  error?: string
}

/**
 * Writes a table with a header: the input's columns, then each run's prediction, its name where the task names labels,
 * and its probability where labels were ranked; the last column is `error`, if a row could not be predicted. A JSON row
 * may have columns that no earlier row had, so all rows wait on disk until the header is known.
 */
export function tableWriter(output: Output, options: TableOptions): RowWriter {
  const { path, format, runs, textColumn, place, warn } = options
  const places = new Map<string, number>()
  if (textColumn !== undefined) places.set(textColumn, 0)
  const spool = openSpool(path)
  const lineOf = format === 'csv' ? csvLine : tsvLine
  const kept = runs.map((run) => columnsOf(run, options))
  let failed = false

  const waiting = (row: InputRow, outcome: Outcome): Waiting => {
    const values: unknown[] = []
    for (const [name, value] of Object.entries(valuesOf(row, textColumn))) {
      if (!places.has(name)) places.set(name, places.size)
      values[places.get(name)!] = cell(value)
    }
    if (!('problem' in outcome)) {
      const predicted = outcome.predictions.flatMap((answer, run) => kept[run]!.map(({ of }) => of(answer)))
      return { values, predicted }
    }
    failed = true
    return { values, predicted: [], error: `${place(outcome.line)}: ${outcome.problem}` }
  }

  const header = (): string[] => {
    const added = [...kept.flat().map(({ name }) => name), ...(failed ? ['error'] : [])]
    const names = [...places.keys()]
    for (const name of added) {
      const free = freeName(name, names)
      if (free !== name) warn(`The input has a column '${name}': the prediction's is '${free}'.`)
      names.push(free)
    }
    return names
  }

  return {
    async write(rows, outcomes) {
      spool.add(rows.map((row, i) => waiting(row, outcomes[i]!)))
    },
    async end() {
      await output.write(`${lineOf(header())}\n`)
      const filled = (values: unknown[], length: number) => Array.from({ length }, (_, i) => values[i])
      for (const rows of spool.records() as Generator<Waiting[]>) {
        const lines = rows.map(({ values, predicted, error }) => {
          const ours = [...filled(predicted, kept.flat().length), ...(failed ? [error] : [])]
          return `${lineOf([...filled(values, places.size), ...ours])}\n`
        })
        await output.write(lines.join(''))
      }
    },
    close: spool.close,
  }
}

interface Column {
  name: string
  of(answer: Answer): unknown
}

/** Returns the columns that a run adds; with several runs, its folder is in front of their names. */
function columnsOf({ folder, experiment: { task } }: TableOptions['runs'][number], { runs, ranked }: TableOptions) {
  const columns: Column[] = [{ name: 'prediction', of: ({ text }) => text }]
  if (task.kind === 'classification' && task.label_names)
    columns.push({ name: 'label_name', of: ({ labelName }) => labelName })
  if (ranked) columns.push({ name: 'probability', of: ({ text, scores }) => probabilities(scores!)[text] })
  return runs.length === 1 ? columns : columns.map(({ name, of }) => ({ name: `${folder}:${name}`, of }))
}

function valuesOf(row: InputRow, textColumn: string | undefined): Record<string, unknown> {
  if ('values' in row) return row.values
  return 'text' in row && textColumn !== undefined ? { [textColumn]: row.text } : {}
}

/** Returns a value that survives JSON: bytes in base64, an infinite number as text. NaN is a missing value. */
function cell(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY ? String(value) : value
}

/** Returns the name, with the first number behind it that makes it unique: `prediction_2`. */
function freeName(name: string, taken: readonly string[]): string {
  for (let number = 2, free = name; ; free = `${name}_${number++}`) if (!taken.includes(free)) return free
}
