import { resolve } from 'node:path'
import { UserError } from '../base/error.js'
import { readJson } from '../base/files/json_file.js'
import { heldBy, withLock } from '../base/lock/lock.js'
import { removeHalfWritten, runFiles, writeJson } from '../run/directory.js'
import { type BeyondBest, beyondBest, removeBeyondBest } from '../run/keep.js'
import type { CleanedAway } from '../run/records.js'
import { reasonOf } from './folders.js'
import { foundIn } from './list.js'
import { type Listed, readListed } from './listed.js'

/** A finished run, and how many bytes only a longer training of it would read. */
export interface Cleanable {
  folder: string
  bytes: number
  /** Files next to its checkpoint that training did not write: they stay. */
  kept?: string[]
}

export interface Cleaning {
  /** Runs with something to remove, or from which it was removed. */
  runs: Cleanable[]
  bytes: number
  /** Runs that are left as they are, and why; finished ones that have nothing to remove are not among them. */
  untouched: { folder: string; reason: string }[]
}

/** Returns what cleaning the runs at or below a folder would remove. @throws UserError where there are no runs */
export async function planCleaning(folder: string): Promise<Cleaning> {
  const runs = (await foundIn(folder)).map(({ run }) => run)
  const finished = runs.filter(({ state }) => state === 'finished')
  const beyond = finished.map((run) => ({ folder: run.folder, ...beyondBest(runFiles(run.folder)) }))
  return cleaningOf(
    beyond.filter(({ bytes }) => bytes > 0).map(({ folder, ...rest }) => cleanable(folder, rest)),
    [
      ...beyond.flatMap(({ folder, obstacle }) => (obstacle ? [{ folder, reason: obstacle }] : [])),
      ...runs.filter(({ state }) => state !== 'finished').map(left),
    ],
  )
}

const cleanable = (folder: string, { bytes, others }: BeyondBest): Cleanable => ({
  ...{ folder, bytes },
  ...(others.length > 0 && { kept: others }),
})

const left = ({ folder, state, reason }: Listed) => ({ folder, reason: reason ? `${state}: ${reason}` : state })

const cleaningOf = (runs: Cleanable[], untouched: Cleaning['untouched']): Cleaning => ({
  runs,
  bytes: runs.reduce((sum, { bytes }) => sum + bytes, 0),
  untouched,
})

/**
 * Removes last tensors and checkpoints of the planned runs. What is not finished any more by now is left as it is.
 * Everything but a longer training works as before; the manifest says that the run was cleaned.
 */
export async function clean({ runs, untouched }: Cleaning): Promise<Cleaning> {
  const cleaned: Cleanable[] = []
  const kept = [...untouched]
  for (const { folder } of runs) {
    try {
      const beyond = await withLock(`${resolve(folder)}.lock`, () => cleanOne(folder), {
        busy: (holder) => {
          throw new UserError({ problem: `running: ${heldBy(holder)}` })
        },
        say: () => {},
      })
      cleaned.push(cleanable(folder, beyond))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      kept.push({ folder, reason: reasonOf(error, folder) })
    }
  }
  return cleaningOf(cleaned, kept)
}

/** The caller holds the run's lock, so that it is running for everybody else. */
async function cleanOne(folder: string): Promise<BeyondBest> {
  const files = runFiles(folder)
  const { run } = await readListed({ folder, kind: 'run' }, { own: true })
  if (run.state !== 'finished') throw new UserError({ problem: left(run).reason })
  const beyond = beyondBest(files)
  if (beyond.obstacle) throw new UserError({ problem: beyond.obstacle })
  removeHalfWritten(files)
  // first: of a run that is killed in between, the note is read only once the checkpoint is gone
  const cleaned: CleanedAway = { at: new Date().toISOString(), bytes: beyond.bytes }
  writeJson(files.manifest, { ...(readJson(files.manifest) as object), cleaned })
  removeBeyondBest(files, beyond)
  return beyond
}
