import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ListFileEntry } from '@huggingface/hub'
import type { Split } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import { type DownloadListener, downloadSnapshot, isCached, type Listing } from '../../hub/snapshot.js'
import type { DatasetOptions } from '../options.js'
import { parquetRows } from '../parquet/parquet.js'
import type { Row } from './table.js'

const SHARD = /^(?:(.+)\/)?([^/]+)-(\d{5})-of-(\d{5})\.parquet$/
/** The configuration of files at the top level, or in a folder `data`. */
const DEFAULT = 'default'
const SHOWN = 20

/** Paths of a split's parquet files, in order, by configuration and split; a split with missing files is left out. */
type Splits = Map<string, Map<string, string[]>>

interface Wanted extends DatasetOptions {
  /** The data set's own name of the split. */
  theirs: string
}

/** A data set's rows that one of our splits comes from. */
export interface DatasetRows {
  /** The name for errors: the file, or a pattern for several. */
  file: string
  files: string[]
  /** `line` is the row's number, from 1, counted through all files. */
  rows(): AsyncIterable<Row>
}

/**
 * Returns a split of a data set on the hub, from its parquet files. They are in the standard cache, and downloaded if
 * they are missing there.
 * @throws UserError as `downloadSnapshot`, and where the data set has no such configuration or split, naming those that
 *   it has.
 */
export async function datasetRows(
  options: DatasetOptions,
  split: Split,
  listener: DownloadListener,
): Promise<DatasetRows> {
  const wanted = wantedOf(options, split)
  const snapshot = await downloadSnapshot(
    { type: 'dataset', id: options.dataset, instead: 'name files with task.train, task.validation and task.test' },
    {
      recursive: true,
      isComplete: (snapshot) => filesIn(snapshot, wanted) !== undefined,
      choose: (listing: Listing) => chosen(listing, wanted),
    },
    listener,
  )
  const files = filesIn(snapshot, wanted)!
  const file = files.length === 1 ? files[0]! : join(dirname(files[0]!), `${wanted.theirs}-*.parquet`)
  return { file, files, rows: () => rowsOf(files) }
}

/** Whether `datasetRows` would have nothing to download. */
export const datasetIsHere = (options: DatasetOptions, splits: readonly Split[]): Promise<boolean> =>
  isCached(
    { type: 'dataset', id: options.dataset },
    { isComplete: (snapshot) => splits.every((split) => filesIn(snapshot, wantedOf(options, split)) !== undefined) },
  )

const wantedOf = (options: DatasetOptions, split: Split): Wanted => ({
  ...options,
  theirs: options.splits?.[split] ?? split,
})

async function* rowsOf(files: string[]): AsyncGenerator<Row> {
  let before = 0
  for (const file of files) {
    let last = before
    for await (const row of parquetRows(file)) {
      last = before + row.line
      yield { ...row, line: last }
    }
    before = last
  }
}

function splitsOf(paths: Iterable<string>): Splits {
  const found: Map<string, Map<string, { paths: string[]; total: number }>> = new Map()
  for (const path of [...paths].sort()) {
    const [, folder, split, , total] = SHARD.exec(path) ?? []
    if (split === undefined) continue
    const config = folder === undefined || folder === 'data' ? DEFAULT : folder
    const splits = found.get(config) ?? new Map()
    found.set(config, splits)
    const shards = splits.get(split) ?? { paths: [], total: Number(total) }
    splits.set(split, { ...shards, paths: [...shards.paths, path] })
  }
  const whole = [...found].map(([config, splits]) => {
    const complete = [...splits].filter(([, { paths, total }]) => paths.length === total)
    return [config, new Map(complete.map(([split, { paths }]) => [split, paths]))] as const
  })
  return new Map(whole)
}

/** Returns the split's files; undefined where one of them is missing, also where a link leads to a deleted file. */
function filesIn(snapshot: string, { config = DEFAULT, theirs }: Wanted): string[] | undefined {
  if (!existsSync(snapshot)) return undefined
  const names = readdirSync(snapshot, { recursive: true }).map((name) => String(name).replaceAll('\\', '/'))
  const there = names.filter((name) => existsSync(join(snapshot, name)))
  return splitsOf(there)
    .get(config)
    ?.get(theirs)
    ?.map((path) => join(snapshot, path))
}

function chosen({ files }: Listing, { dataset, config, theirs }: Wanted): ListFileEntry[] {
  const all = splitsOf(files.keys())
  const refuse = (key: string, problem: string, remedy: string) =>
    new UserError({ at: `task.${key}`, problem: `the data set ${dataset} ${problem}`, remedy })
  if (all.size === 0)
    throw refuse(
      'dataset',
      'has no parquet files whose names tell split and number, such as data/train-00000-of-00001.parquet.',
      'Save it with load_dataset(…).to_parquet(…) in Python, and name the files.',
    )
  const splits = all.get(config ?? DEFAULT)
  if (!splits) {
    const problem = config === undefined ? 'has configurations with names only.' : `has no configuration ${config}.`
    throw refuse('config', problem, `Set task.config. Configurations: ${listed([...all.keys()])}.`)
  }
  const paths = splits.get(theirs)
  if (paths) return paths.map((path) => files.get(path)!)
  const where = config === undefined ? '' : ` in the configuration ${config}`
  const remedy =
    `Splits: ${listed([...splits.keys()])}; task.splits tells which is which, task.split makes one ` +
    "of another's rows."
  throw refuse('splits', `has no split ${theirs}${where}.`, remedy)
}

const listed = (names: string[]) =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more` : names.join(', ')
