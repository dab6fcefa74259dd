import { SPLITS, type Split } from '../../base/choices.js'
import type { DownloadListener } from '../../hub/snapshot.js'
import { officialRows, officialRowsAreHere } from '../benchmark/official.js'
import type { Example } from '../example.js'
import { datasetOf, type TaskOptions } from '../options.js'
import { readSentences } from '../words/conll.js'
import { datasetIsHere, datasetRows } from './dataset.js'
import { TaskMisfit } from './misfit.js'
import { type BadRows, readExamples } from './rows.js'
import { splitRows } from './split_rows.js'
import { subsetIndices, subsetProblem } from './splits.js'
import { type Row, readTable } from './table.js'

/** The rows of a file or data set, before they are split. */
export interface Source {
  /** The name for errors. */
  file: string
  /** Every file that the rows are read from, by content. */
  files: string[]
  rows(): Iterable<Row> | AsyncIterable<Row>
  /** Whether a row becomes one example for each of its answers, as training on ReCoRD needs. */
  eachAnswer: boolean
}

/** Returns the source that a split's rows come from: official files, downloaded if necessary, or the user's file. */
export async function sourceOf(task: TaskOptions, split: Split, options: DownloadListener = {}): Promise<Source> {
  const from = sourceSplit(task, split)
  const eachAnswer = split === 'train' && 'each_answer' in task && task.each_answer
  if (task.benchmark) {
    const official = await officialRows(task.benchmark, from, { ...options, ...(task.path && { path: task.path }) })
    return { ...official, eachAnswer }
  }
  const dataset = datasetOf(task)
  if (dataset && task[from] === undefined) return { ...(await datasetRows(dataset, from, options)), eachAnswer }
  const file = task[from]!
  const rows = () => (task.kind === 'token_classification' ? readSentences(file, task) : readTable(file))
  return { file, files: [file], rows, eachAnswer }
}

/** Whether no row has to be downloaded. */
export async function rowsAreHere(task: TaskOptions): Promise<boolean> {
  if (task.benchmark) return task.path !== undefined || officialRowsAreHere(task.benchmark)
  const dataset = datasetOf(task)
  return !dataset || datasetIsHere(dataset, [...new Set(SPLITS.map((split) => sourceSplit(task, split)))])
}

/** Returns the sources of several splits, each once. */
export async function sourcesOf(
  task: TaskOptions,
  splits: readonly Split[],
  options: DownloadListener = {},
): Promise<Source[]> {
  const sources = new Map<string, Source>()
  for (const split of splits) {
    const source = await sourceOf(task, split, options)
    sources.set(JSON.stringify([source.files, source.eachAnswer]), source)
  }
  return [...sources.values()]
}

/** Returns the official split, or the user's file, that contains a split's rows. */
export function sourceSplit({ split: way, benchmark }: TaskOptions, split: Split): Split {
  if (way === 'halves' && split === 'test') return 'validation'
  if (way === 'both_held_out') return 'train'
  if (way === 'held_out') return split === 'test' ? (benchmark ? 'validation' : 'test') : 'train'
  return split
}

/** Yields the source's examples, one at a time. */
export function examplesOf(task: TaskOptions, source: Source, skipped?: BadRows['skipped']): AsyncGenerator<Example> {
  const examples = rowExamples(task, source, skipped)
  return source.eachAnswer ? perAnswer(examples) : examples
}

async function* perAnswer(examples: AsyncGenerator<Example>): AsyncGenerator<Example> {
  for await (const example of examples)
    for (const answer of example.answers ?? [example.target]) yield { ...example, target: answer }
}

const rowExamples = (task: TaskOptions, { file, rows }: Source, skipped?: BadRows['skipped']) =>
  readExamples(task, file, rows(), { on_bad_row: task.on_bad_row, ...(skipped && { skipped }) })

/**
 * Returns which of its source's examples a split has, in the split's order; `total` is how many the source has.
 * @throws TaskMisfit where a split of the source would have no rows, and for a subset that does not fit the split.
 */
export async function chosenRows(
  task: TaskOptions,
  source: Source,
  split: Split,
  total: number,
): Promise<ArrayLike<number>> {
  const rows = await splitExamples(task, source, split, total)
  if (split !== 'train' || !task.subset) return rows
  const wrong = subsetProblem(task, task.subset, rows.length)
  if (wrong) throw new TaskMisfit(`subset.${wrong.key}`, source.file, () => wrong.problem, wrong.remedy)
  const labels = task.subset.stratified ? await collected(examplesOf(task, source), stratumOf(task)) : undefined
  const indices = subsetIndices(task.subset, rows.length, labels && Array.from(rows, (row) => labels[row]!))
  return indices.map((index) => rows[index]!)
}

/** Returns what a stratified subset keeps the shares of: a row's target, or which of its choices is right. */
export const stratumOf =
  ({ kind }: TaskOptions) =>
  ({ target, label }: Example): string =>
    kind === 'multiple_choice' ? label : target

async function splitExamples(
  task: TaskOptions,
  source: Source,
  split: Split,
  total: number,
): Promise<ArrayLike<number>> {
  if (source.eachAnswer) {
    const counts = await collected(rowExamples(task, source), ({ answers }) => answers?.length ?? 1)
    return eachOf(splitRows(task, split, { total: counts.length, file: source.file }), counts)
  }
  const grouped = 'group' in task && task.group !== undefined && givesAway(task, split)
  const groups = grouped ? await collected(rowExamples(task, source), ({ group }) => group!) : undefined
  return splitRows(task, split, { total, groups, file: source.file })
}

/** Whether two splits share the rows of the split's source. */
const givesAway = ({ split: way }: TaskOptions, split: Split): boolean =>
  (way === 'halves' && split !== 'train') || (way === 'held_out' && split !== 'test') || way === 'both_held_out'

/** Returns the indices of the rows' examples, where row i has counts[i] consecutive ones. */
function eachOf(rows: ArrayLike<number>, counts: number[]): number[] {
  const starts = [0]
  for (const [row, count] of counts.entries()) starts.push(starts[row]! + count)
  return Array.from(rows).flatMap((row) => Array.from({ length: counts[row]! }, (_, i) => starts[row]! + i))
}

async function collected<T>(examples: AsyncIterable<Example>, of: (example: Example) => T): Promise<T[]> {
  const values: T[] = []
  for await (const example of examples) values.push(of(example))
  return values
}

/** Counts a split's rows by reading all of them. */
export async function countRows(task: TaskOptions, split: Split, options: DownloadListener = {}): Promise<number> {
  const source = await sourceOf(task, split, options)
  let total = 0
  for await (const _ of examplesOf(task, source)) total++
  return (await chosenRows(task, source, split, total)).length
}

/** Reads a whole split as text, in its order. */
export async function readSplit(task: TaskOptions, split: Split, options: DownloadListener = {}): Promise<Example[]> {
  const source = await sourceOf(task, split, options)
  let total = 0
  for await (const _ of examplesOf(task, source)) total++
  return examplesAt(task, source, await chosenRows(task, source, split, total))
}

/** Returns the examples at the given rows of a source, in that order; reads the source once. */
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
