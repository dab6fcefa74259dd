import { BAD_USAGE, UserError } from '../base/error.js'
import type { InputRow } from './input.js'
import { jsonLine, type Outcome, type Output, textLine } from './output.js'

/**
 * How predictions are written: a line of text or JSON for each row, a table with the input's columns, or a line for
 * each word.
 */
export type OutputFormat = 'text' | 'jsonl' | 'csv' | 'tsv' | 'conll'

/** Writes rows and their outcomes, in their order. */
export interface RowWriter {
  write(rows: InputRow[], outcomes: Outcome[]): Promise<void>
  /** Called after the last row. */
  end(): Promise<void>
  /** Frees its resources, whether it was written to its end or not. */
  close(): void
}

/** Endings of files that can't be written; lines of text must not be taken for them. */
const NOT_WRITTEN = /\.(json|parquet|xlsx?|ods)$/i

/**
 * Returns the format that `--output` and `--json` ask for.
 * @throws UserError for a file of a format that is not written.
 */
export function outputFormat(file: string | undefined, json: boolean): OutputFormat {
  const ending = /\.(jsonl|csv|tsv|conll)$/i.exec(file ?? '')?.[1]?.toLowerCase() as OutputFormat | undefined
  if (ending) return ending
  if (json) return 'jsonl'
  if (file === undefined || !NOT_WRITTEN.test(file)) return 'text'
  throw new UnwrittenFormat({
    at: `--output ${file}`,
    problem: 'files of this format are not written.',
    remedy: 'Name a file that ends in .jsonl, .csv, .tsv or, for tags, .conll; any other ending has lines of text.',
  })
}

class UnwrittenFormat extends UserError {
  override readonly exitCode = BAD_USAGE
}

/** Writes a line for each row; in JSON with the `runs` that answered. */
export const lineWriter = (output: Output, format: 'text' | 'jsonl', runs: string[]): RowWriter => ({
  write: (_, outcomes) =>
    output.write(
      outcomes.map((outcome) => (format === 'jsonl' ? jsonLine(outcome, runs) : textLine(outcome))).join(''),
    ),
  async end() {},
  close() {},
})
