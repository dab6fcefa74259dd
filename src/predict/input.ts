import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { INPUT_FORMATS, type InputFormat } from '../base/choices.js'
import { BAD_USAGE, UserError } from '../base/error.js'
import { openFile } from '../base/files/read.js'
import { type LineReader, NOT_UTF8 } from '../task/rows/csv.js'
import { readError } from '../task/rows/lines.js'
import { type Row, readTable, rowReader } from '../task/rows/table.js'
import { type ConllColumns, conllReader } from '../task/words/conll.js'
import { type StreamedLine, streamLines } from './lines.js'

/** Endings of files that do not consist of lines. */
const READ_AS_A_WHOLE: Record<string, Input['layout']> = { '.parquet': 'table', '.json': 'rows' }

const LAYOUTS = { text: 'text', jsonl: 'rows', csv: 'table', tsv: 'table', conll: 'rows' } as const

/** A row to predict: a text for the prompt's only column, columns by name, or what is wrong. `line` counts from 1. */
export type InputRow = { line: number } & ({ text: string } | { values: Record<string, unknown> } | { problem: string })

export interface Input {
  /** Returns a row's place for errors. */
  place(line: number): string
  /** Only texts, rows with their own column names, or a table whose header names the columns of all rows. */
  layout: 'text' | 'rows' | 'table'
  rows: AsyncIterable<InputRow>
  /** Closes a stream that was not read to its end. */
  close(): void
}

export interface InputOptions {
  /** Texts of the command line, which are used instead of a file. */
  texts: string[]
  /** A path; standard input where it is `-` or not given. */
  file?: string | undefined
  /** The format of the file; by default its ending decides. */
  format?: InputFormat | undefined
}

/**
 * @throws UnclearInput where rows are given in two ways, or in none but a terminal that nobody was told to type into
 */
export function checkGiven({ texts, file }: InputOptions): void {
  if (texts.length > 0 && file !== undefined)
    throw new UnclearInput({ problem: 'There are texts and --input.', remedy: 'Give one of the two.' })
  if (texts.length > 0 || file !== undefined || !process.stdin.isTTY) return
  throw new UnclearInput({
    problem: 'There is nothing to predict.',
    remedy: 'Give a text after the run, a file with --input, or a pipe; --input - reads what you type.',
  })
}

/** A wrong command line. */
class UnclearInput extends UserError {
  override readonly exitCode = BAD_USAGE
}

/**
 * Returns the rows to predict, as they arrive. `textual` says whether a single text is a row; otherwise a line without
 * another format is JSON. `columns` are those of files of words, for tags.
 * @throws UserError, while reading, where the input as a whole can't be read.
 */
export function openInput(
  { texts, file = '-', format }: InputOptions,
  textual: boolean,
  columns?: ConllColumns,
): Input {
  const standard = textual ? 'text' : 'jsonl'
  if (texts.length > 0) {
    const lines = texts.map((text, i) => ({ number: i + 1, text }))
    const chosen = format ?? standard
    const rows = rowsOf(lines, readerOf(chosen, 'TEXT', columns))
    return { place: (line) => `TEXT ${line}`, layout: LAYOUTS[chosen], rows, close() {} }
  }
  const place = (line: number) => `${file === '-' ? 'stdin' : file}:${line}`
  const whole = file === '-' || format ? undefined : READ_AS_A_WHOLE[extname(file).toLowerCase()]
  if (whole) return { place, layout: whole, rows: asyncRows(readTable(file)), close() {} }
  const chosen = format ?? formatOfEnding(file) ?? standard
  const stream = file === '-' ? process.stdin : createReadStream(file, { fd: opened(file) })
  const name = file === '-' ? 'stdin' : file
  return {
    place,
    layout: LAYOUTS[chosen],
    rows: rowsOf(streamLines(name, readable(name, stream)), readerOf(chosen, name, columns)),
    close: () => void stream.destroy(),
  }
}

function formatOfEnding(file: string): InputFormat | undefined {
  const ending = extname(file).toLowerCase().slice(1)
  return INPUT_FORMATS.find((format) => format === ending)
}

/** Opens the file before a backbone is loaded, so that a wrong name is found at once. */
function opened(file: string): number {
  try {
    return openFile(file, { named: true, once: true })
  } catch (error) {
    throw readError(file, error)
  }
}

async function* readable(name: string, stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* stream
  } catch (error) {
    throw readError(name, error)
  }
}

/** Undefined where each line is a text. */
function readerOf(format: InputFormat, name: string, columns?: ConllColumns): LineReader<Row> | undefined {
  if (format === 'text') return undefined
  if (format !== 'conll') return rowReader(format, name)
  if (columns) return conllReader(columns)
  throw new UnclearInput({
    at: name,
    problem: 'has a word on each line, but the task of the run is not token_classification.',
    remedy: 'Give lines of text, JSON lines or a table.',
  })
}

async function* rowsOf(
  lines: AsyncIterable<StreamedLine> | Iterable<StreamedLine>,
  reader: LineReader<Row> | undefined,
): AsyncGenerator<InputRow> {
  for await (const line of lines) {
    if ('problem' in line) yield { line: line.number, problem: line.problem }
    else if (reader) yield* reader.take(line)
    else if (line.text === undefined) yield { line: line.number, problem: NOT_UTF8 }
    else yield { line: line.number, text: line.text }
  }
  if (reader) yield* reader.end()
}

async function* asyncRows(rows: AsyncIterable<InputRow> | Iterable<InputRow>): AsyncGenerator<InputRow> {
  yield* rows
}
