import { BAD_USAGE, UserError } from '../base/error.js'
import type { InputRow } from './input.js'
import { jsonLine, type Outcome, type Output, textLine } from './output.js'

/** How predictions are written: a line of text or JSON for each row, or a table with the input's columns. */
export type OutputFormat = 'text' | 'jsonl' | 'csv' | 'tsv'

/** Writes rows and what became of them, in their order. */
export interface RowWriter {
  write(rows: InputRow[], outcomes: Outcome[]): Promise<void>
  /** After the last row. */
  end(): Promise<void>
  /** Frees what it holds, written to its end or not. */
  close(): void
}

/** Endings of files that are not written, which lines of text are not to be taken for. */
const NOT_WRITTEN = /\.(json|parquet|xlsx?|ods)$/i

/**
 * What `--output` and `--json` ask for.
 * @throws UserError for a file of a format that is not written.
 */
export function outputFormat(file: string | undefined, json: boolean): OutputFormat {
  const ending = /\.(jsonl|csv|tsv)$/i.exec(file ?? '')?.[1]?.toLowerCase() as OutputFormat | undefined
  if (ending) return ending
  if (json) return 'jsonl'
  if (file === undefined || !NOT_WRITTEN.test(file)) return 'text'
  throw new UnwrittenFormat({
    at: `--output ${file}`,
    problem: 'files of this format are not written.',
    remedy: 'Name a file that ends in .jsonl, .csv or .tsv; any other ending has lines of text.',
  })
}

class UnwrittenFormat extends UserError {
  override readonly exitCode = BAD_USAGE
}

/** A line for each row; of JSON with the `runs` that answered. */
export const lineWriter = (output: Output, format: 'text' | 'jsonl', runs: string[]): RowWriter => ({
  write: (_, outcomes) =>
    output.write(
      outcomes.map((outcome) => (format === 'jsonl' ? jsonLine(outcome, runs) : textLine(outcome))).join(''),
    ),
  async end() {},
  close() {},
})
