import { dirname, extname, join } from 'node:path'
import { ExperimentError } from '../../base/error.js'
import { nearest } from '../../base/text/nearest.js'
import type { DownloadListener } from '../../hub/snapshot.js'
import { parquetRows } from '../parquet/parquet.js'
import { type Fields, tsvRecords } from '../rows/csv.js'
import { readLines } from '../rows/lines.js'
import { TaskMisfit } from '../rows/misfit.js'
import { type Row, readTable } from '../rows/table.js'
import { attempt, type Benchmark, MissingColumn, type OfficialSplit, type Values } from './benchmark.js'
import { hubFiles, hubFilesAreCached, localFiles } from './files.js'
import { GLUE } from './glue.js'
import { SUPERGLUE } from './superglue.js'

export interface OfficialRows {
  /** The name for errors: the file, or a pattern for several. */
  file: string
  /** The files, in the order of their rows. */
  files: string[]
  /**
   * The rows, read anew at each call and not all in memory. `line` is the line in the official file; in parquet the
   * number of the row, and in a single JSON document that of the entry, from 1, counted through all files.
   */
  rows(): AsyncIterable<Row>
}

const BENCHMARKS: Record<string, Benchmark> = { ...GLUE, ...SUPERGLUE }

/** `glue/cola` … `superglue/record`. */
export function benchmarkNames(): string[] {
  return Object.keys(BENCHMARKS)
}

/** Returns where a benchmark's rows are on the hub: the repository, its configuration, and what it calls its splits. */
export function hubPlaceOf(name: string): Pick<Benchmark, 'repository' | 'config' | 'splits'> {
  const { repository, config, splits } = benchmarkOf(name)
  return { repository, config, splits }
}

/**
 * Returns the rows of a benchmark's official split. Columns, labels (ids, as text) and order are the same from the
 * official files in the folder `path` and from the hub's parquet, which is downloaded to the standard cache. MNLI's
 * validation is the mismatched set, its test the matched one; no other test set has public labels. Rows that can't be
 * used are returned with their problem.
 * @throws ExperimentError if there is no such benchmark or the split has no labels.
 * @throws UserError if files are missing, cannot be downloaded or cannot be read.
 */
export async function officialRows(
  name: string,
  split: OfficialSplit,
  options: DownloadListener & { path?: string } = {},
): Promise<OfficialRows> {
  const benchmark = benchmarkOf(name)
  const where = benchmark.splits[split]
  if (!where) {
    throw new ExperimentError({
      at: name,
      problem: `the labels of its official ${split} set are not public.`,
      remedy: "Set task.split to 'halves' or 'held_out', which make one of the rows with labels.",
    })
  }
  const { path, ...listener } = options
  const files =
    path === undefined ? await hubFiles(benchmark, where, listener) : localFiles(name, benchmark, where, path)
  const file = files.length === 1 ? files[0]! : join(dirname(files[0]!), `${where.hub}-*.parquet`)
  return { file, files, rows: () => rowsOf(name, benchmark, files) }
}

/** Whether the hub's files of all splits are in the cache. */
export async function officialRowsAreHere(name: string): Promise<boolean> {
  const benchmark = benchmarkOf(name)
  const cached = Object.values(benchmark.splits).map((split) => hubFilesAreCached(benchmark, split))
  return (await Promise.all(cached)).every(Boolean)
}

function benchmarkOf(name: string): Benchmark {
  if (Object.hasOwn(BENCHMARKS, name)) return BENCHMARKS[name]!
  const close = nearest(name, benchmarkNames())
  throw new ExperimentError({
    at: name,
    problem: 'is not a benchmark.',
    remedy: `${close === undefined ? '' : `Did you mean '${close}'? `}Benchmarks: ${benchmarkNames().join(', ')}.`,
  })
}

async function* rowsOf(name: string, benchmark: Benchmark, files: string[]): AsyncGenerator<Row> {
  let before = 0
  for (const file of files) {
    let last = before
    for await (const row of hubRows(name, benchmark, file)) {
      last = before + row.line
      if ('problem' in row) yield { line: last, problem: row.problem }
      else yield* attempt(last, () => [benchmark.finish(row.values)])
    }
    before = last
  }
}

/** Yields rows with the hub's columns and raw values, from any kind of file. */
async function* hubRows(name: string, benchmark: Benchmark, file: string): AsyncGenerator<Row> {
  if (extname(file) === '.parquet') {
    yield* parquetRows(file, benchmark.columns)
    return
  }
  let checked = false
  for await (const row of officialTable(benchmark, file)) {
    if ('problem' in row) yield row
    else {
      if (!checked) checkOfficial(name, benchmark, file, row.values)
      checked = true
      yield* attempt(row.line, () => benchmark.fromOfficial(row.values))
    }
  }
}

/** Refuses a file whose first row lacks a column: it belongs to something else. */
function checkOfficial(name: string, benchmark: Benchmark, file: string, values: Values): void {
  try {
    for (const row of benchmark.fromOfficial(values)) benchmark.finish(row)
  } catch (error) {
    if (!(error instanceof MissingColumn)) return
    const columns = Object.keys(values).join(', ')
    const remedy = `task.path must be a folder with the official files of ${name}. Columns: ${columns}.`
    throw new TaskMisfit('path', file, (called) => `there is no column '${error.column}' in ${called}.`, remedy)
  }
}

function officialTable(benchmark: Benchmark, file: string): Iterable<Row> | AsyncIterable<Row> {
  return benchmark.brokenLines && extname(file) === '.tsv' ? wholeRecords(file) : readTable(file, benchmark.headerless)
}

/** Leaves out QQP's lines with fewer fields than the header, or with an empty last one (the label), as the hub does. */
function* wholeRecords(file: string): Generator<Row> {
  let header: string[] | undefined
  for (const record of tsvRecords(readLines(file))) {
    if ('problem' in record) yield record
    else if (!header) header = record.fields
    else if (isWhole(record, header)) yield { line: record.line, values: named(header, record.fields) }
  }
}

function isWhole({ fields }: Extract<Fields, { fields: string[] }>, header: string[]): boolean {
  return fields.length >= header.length && fields[header.length - 1] !== ''
}

function named(header: string[], fields: string[]): Record<string, unknown> {
  return Object.fromEntries(header.map((name, i) => [name, fields[i]]))
}
