import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '../../base/error.js'
import { makeFolder, writeAtomically } from '../../base/files/atomic.js'
import { hashFiles } from '../../base/files/hash.js'
import { readText } from '../../base/files/read.js'
import type { DownloadListener } from '../../hub/snapshot.js'
import type { Subset, TaskOptions } from '../options.js'
import { chosenRows, examplesOf, sourceOf, stratumOf } from './source.js'
import { checkSubset, subsetIndices } from './splits.js'

/** A subset of a task's training split, as its file holds it. */
export interface SubsetFile extends Subset {
  task: string
  /** The number of rows of the whole training split. */
  rows_total: number
  /** The hash of the files that the split is read from, one after the other. */
  data_sha256: string
  /** Rows of the training split, from 0, in the order drawn. */
  indices: number[]
}

/** A whole training split, regardless of `task.subset`. */
export interface TrainingSplit {
  rows: number
  /** The files that the rows are read from. */
  files: string[]
  /** For a stratified draw: the label of each row. */
  labels?: string[]
}

/** Reads a task's training split: its size and, for a stratified draw, the label of each of its rows. */
export async function trainingSplit(
  { subset: _, ...task }: TaskOptions,
  { stratified, ...options }: DownloadListener & { stratified: boolean },
): Promise<TrainingSplit> {
  const source = await sourceOf(task, 'train', options)
  const stratum = stratumOf(task)
  const labels: string[] = []
  let total = 0
  for await (const example of examplesOf(task, source)) {
    total++
    if (stratified) labels.push(stratum(example))
  }
  const rows = await chosenRows(task, source, 'train', total)
  const { files } = source
  return { rows: rows.length, files, ...(stratified && { labels: Array.from(rows, (row) => labels[row]!) }) }
}

/**
 * Draws a subset for every size and seed: the rows on which an experiment with that `task.subset` trains.
 * @throws UserError for a size beyond the training split, or a stratified draw from free texts.
 */
export async function drawSubsets(
  task: TaskOptions,
  {
    sizes,
    seeds,
    stratified,
    ...options
  }: { sizes: number[]; seeds: number[]; stratified: boolean } & DownloadListener,
): Promise<SubsetFile[]> {
  const { rows, files, labels } = await trainingSplit(task, { ...options, stratified })
  for (const size of sizes) checkSubset(task, { size, stratified }, rows, `--size ${size}`)
  const data_sha256 = hashFiles(files)
  return sizes.flatMap((size) =>
    seeds.map((seed) => {
      const indices = [...subsetIndices({ size, seed }, rows, labels)]
      return { task: task.name, size, seed, stratified, rows_total: rows, data_sha256, indices }
    }),
  )
}

/** Returns a name such as `glue-rte-100-seed0.json`. */
const subsetFileName = ({ task, size, seed }: SubsetFile): string =>
  `${task.replaceAll('/', '-')}-${size}-seed${seed}.json`

export interface WrittenSubset {
  file: string
  state: 'written' | 'unchanged'
  subset: SubsetFile
}

/**
 * Writes the subsets into a folder. A file with the same content is left alone.
 * @throws UserError without `force`, if a file there holds something else; then none is written.
 */
export function writeSubsets(subsets: SubsetFile[], folder: string, { force }: { force: boolean }): WrittenSubset[] {
  const planned = subsets.map((subset) => {
    const file = join(folder, subsetFileName(subset))
    return { file, subset, there: existsSync(file) ? readSubset(file) : undefined }
  })
  const other = planned.find(({ there, subset }) => there !== undefined && !isDeepStrictEqual(there, subset))
  if (other && !force) throw differs(other.file, other.there, other.subset)
  makeFolder(folder)
  return planned.map(({ file, subset, there }) => {
    const same = isDeepStrictEqual(there, subset)
    if (!same) writeAtomically(file, `${JSON.stringify(subset)}\n`)
    return { file, state: same ? 'unchanged' : 'written', subset }
  })
}

function differs(file: string, there: unknown, subset: SubsetFile): UserError {
  const keys = Object.keys(subset) as (keyof SubsetFile)[]
  const before = (typeof there === 'object' && there !== null ? there : {}) as Partial<SubsetFile>
  const differing = keys.filter((key) => !isDeepStrictEqual(before[key], subset[key]))
  return new UserError({
    at: file,
    problem: `exists already and differs${differing.length > 0 ? ` in ${differing.join(', ')}` : ''}.`,
    remedy: 'Choose another folder with --out, or write over it with --force.',
  })
}

/** Returns a file's content; null where it is not JSON. */
function readSubset(file: string): unknown {
  try {
    return JSON.parse(readText(file))
  } catch {
    return null
  }
}
