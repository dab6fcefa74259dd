import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../base/error.js'
import { pathInFolder } from '../../base/files/read.js'
import { type DownloadListener, downloadSnapshot, isCached, type Listing } from '../../hub/snapshot.js'
import { TaskMisfit } from '../rows/misfit.js'
import type { Benchmark, SplitFiles } from './benchmark.js'

const ENDINGS = ['.tsv', '.jsonl', '.json', '.parquet']
const SHARD = /^(.+)-(\d{5})-of-(\d{5})\.parquet$/

/**
 * Returns the files of a split in a folder: the official one, or the same rows as .jsonl, .json or the hub's parquet.
 * The folder `path` is the task's own, or contains the task's under its official name or the hub's (`MRPC`, `mrpc`).
 * @throws TaskMisfit if it holds none of them.
 */
export function localFiles(name: string, benchmark: Benchmark, split: SplitFiles, path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    const remedy = `task.path must be a folder with the official files of ${name}.`
    throw new TaskMisfit('path', path, (called) => `there is no ${called}.`, remedy, 'such folder')
  }
  const folders = [path, join(path, benchmark.folder), join(path, benchmark.config)]
  for (const folder of folders) {
    const official = split.official.flatMap((stem) => ENDINGS.map((ending) => join(folder, stem + ending)))
    const file = official.find((each) => existsSync(each))
    const found = file ? [file] : shardsIn(folder, split.hub)
    for (const each of found) pathInFolder(each) // other people may have made the folder
    if (found.length > 0) return found
  }
  const stem = split.official[0]!
  const problem = (called: string) => `there is no ${stem}.tsv, ${stem}.jsonl or ${split.hub}-….parquet in ${called}.`
  throw new TaskMisfit(
    'path',
    path,
    problem,
    `task.path must hold the official files of ${name}, or the hub's.`,
    'this folder',
  )
}

/**
 * Returns the split's parquet files from the hub, in their order. They are in the standard cache, and downloaded if
 * they are missing there.
 * @throws UserError as `downloadSnapshot`, and where the hub has no such files.
 */
export async function hubFiles(
  { repository, config }: Benchmark,
  split: SplitFiles,
  listener: DownloadListener = {},
): Promise<string[]> {
  const folderOf = (snapshot: string) => join(snapshot, config)
  const snapshot = await downloadSnapshot(
    { type: 'dataset', id: repository, instead: 'set task.path to a folder' },
    {
      under: config,
      isComplete: (snapshot) => shardsIn(folderOf(snapshot), split.hub).length > 0,
      choose: ({ at, files }: Listing) => {
        const names = [...files.keys()].map((path) => path.slice(config.length + 1))
        const chosen = completeShards(names, split.hub)
        if (chosen) return chosen.map((name) => files.get(`${config}/${name}`)!)
        throw new UserError({
          at: `${at}/tree/main/${config}`,
          problem: `there are no parquet files ${split.hub}-….parquet, or not all of them.`,
          remedy: 'Set task.path to a folder that has the official files.',
        })
      },
    },
    listener,
  )
  return shardsIn(folderOf(snapshot), split.hub)
}

/** Whether `hubFiles` would have nothing to download. */
export const hubFilesAreCached = ({ repository, config }: Benchmark, split: SplitFiles): Promise<boolean> =>
  isCached(
    { type: 'dataset', id: repository },
    { isComplete: (snapshot) => shardsIn(join(snapshot, config), split.hub).length > 0 },
  )

function shardsIn(folder: string, split: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder) : []
  const there = names.filter((name) => existsSync(join(folder, name))) // false for a link to a blob that was deleted
  return (completeShards(there, split) ?? []).map((name) => join(folder, name))
}

/**
 * Returns the files named `train-00000-of-00002.parquet` and so on if all of them are there: the names say how many
 * there are.
 */
function completeShards(names: string[], split: string): string[] | undefined {
  const shards = names.filter((name) => SHARD.exec(name)?.[1] === split).sort()
  const total = Number(SHARD.exec(shards[0] ?? '')?.[3] ?? 0)
  return total > 0 && shards.length === total ? shards : undefined
}
