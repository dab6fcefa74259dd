import type { DownloadProgress } from '../hub/snapshot.js'
import { officialRows } from './benchmark/official.js'
import type { Example } from './example.js'
import type { TaskOptions } from './options.js'
import { type BadRows, readExamples, type Split } from './rows.js'
import { chooseRows } from './splits.js'
import { type Row, readTable } from './table.js'

/** Rows of one kind as they are in the world, before they are split. */
export interface Source {
  /** What errors name. */
  file: string
  /** Every file that the rows are read from, by content. */
  files: string[]
  rows(): Iterable<Row> | AsyncIterable<Row>
}

export interface SourceOptions {
  onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/** The source that a split's rows come from: official files, fetched if need be, or the user's file. */
export async function sourceOf(task: TaskOptions, split: Split, options: SourceOptions = {}): Promise<Source> {
  const from = sourceSplit(task, split)
  if (task.benchmark) return officialRows(task.benchmark, from, { ...options, ...(task.path && { path: task.path }) })
  const file = task[from]!
  return { file, files: [file], rows: () => readTable(file) }
}

/** The official split, or the user's file, that a split's rows are in. */
function sourceSplit({ split: way, benchmark }: TaskOptions, split: Split): Split {
  if (way === 'halves' && split === 'test') return 'validation'
  if (way === 'held_out') return split === 'test' ? (benchmark ? 'validation' : 'test') : 'train'
  return split
}

/** The source's rows as text, one at a time. */
export const examplesOf = (task: TaskOptions, { file, rows }: Source, skipped?: BadRows['skipped']) =>
  readExamples(task, file, rows(), { on_bad_row: task.on_bad_row, ...(skipped && { skipped }) })

/**
 * The rows of its source that a split has, in the order in which they stand in the split; `total` is the number of the
 * source's usable rows.
 */
export async function chosenRows(
  task: TaskOptions,
  source: Source,
  split: Split,
  total: number,
): Promise<ArrayLike<number>> {
  const groups = 'group' in task && task.group !== undefined && task.split === 'halves' && split !== 'train'
  const stratified = split === 'train' && task.subset?.stratified
  const column = async (of: (example: Example) => string) => {
    const values: string[] = []
    for await (const example of examplesOf(task, source)) values.push(of(example))
    return values
  }
  return chooseRows(task, split, total, {
    ...(groups && { groups: await column(({ group }) => group!) }),
    ...(stratified && { labels: await column(({ target }) => target) }),
  })
}

/** A whole split as text, in its order. */
export async function readSplit(task: TaskOptions, split: Split, options: SourceOptions = {}): Promise<Example[]> {
  const source = await sourceOf(task, split, options)
  let total = 0
  for await (const _ of examplesOf(task, source)) total++
  return examplesAt(task, source, await chosenRows(task, source, split, total))
}

/** The examples at the given rows of a source, in that order; one reading of the source. */
export async function examplesAt(task: TaskOptions, source: Source, rows: ArrayLike<number>): Promise<Example[]> {
  const places = new Map<number, number[]>()
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place]!
    places.set(row, [...(places.get(row) ?? []), place])
  }
  const examples = new Array<Example>(rows.length)
  let row = 0
  let missing = places.size
  for await (const example of examplesOf(task, source)) {
    const here = places.get(row++)
    if (!here) continue
    for (const place of here) examples[place] = example
    if (--missing === 0 && task.on_bad_row === 'skip') break
  }
  return examples
}
