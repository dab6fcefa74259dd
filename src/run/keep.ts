import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { commandLine, quoted } from '../base/command_line.js'
import { specialKind } from '../base/files/special_file.js'
import { writeError } from '../base/files/write_error.js'
import type { Progress } from '../base/progress.js'
import { byteSize } from '../base/text/size.js'
import type { TrainingOptions } from '../experiment/schema.js'
import { isHalfWritten, type RunFiles } from './directory.js'

/** The size of the files from which a line says that they are kept only for continuing the run. */
const MUCH = 100e6

/** What only a training that goes on reads: the last tensors and the checkpoint. */
export interface BeyondBest {
  files: string[]
  bytes: number
  /** Why none of it is removed: something of the run is a link, which leads to files of others, or not a file. */
  obstacle?: string
  /** Files in the checkpoint's folder that training did not write, relative to the run: they stay. */
  others: string[]
}

/**
 * Removes the files of a finished run that `training.keep` does not want. Its best tensors and its result are on the
 * disk by then, so a kill leaves a finished run with extra files, which the next `--resume` removes. With `all` it says
 * if the kept files are large.
 */
export function keepOnly({ keep }: Pick<TrainingOptions, 'keep'>, files: RunFiles, { note }: Progress): void {
  const beyond = beyondBest(files)
  if (keep === 'best') {
    if (beyond.obstacle) note(`The last tensors and the checkpoint stay: ${beyond.obstacle}`)
    else removeBeyondBest(files, beyond)
    if (beyond.others.length > 0) note(`Training did not write ${beyond.others.join(', ')}, so that stays.`)
    return
  }
  if (beyond.bytes < MUCH) return
  const way = commandLine(`train --resume ${quoted(files.folder)} --set training.keep=best`)
  note(
    `The last tensors and the checkpoint take ${byteSize(beyond.bytes)}. \`${way}\` removes them; the run can't ` +
      'become longer then.',
  )
}

/** Returns what only a training that goes on reads, and whether it can be removed. No link is followed. */
export function beyondBest({ folder, last, checkpoint }: RunFiles): BeyondBest {
  const inside = dirname(checkpoint)
  const obstacle =
    obstacleAt(folder, inside, 'folder') ?? obstacleAt(folder, last, 'file') ?? obstacleAt(folder, checkpoint, 'file')
  if (obstacle) return { files: [], bytes: 0, obstacle, others: [] }
  const files = [last, checkpoint].filter((file) => existsSync(file))
  const others = existsSync(inside) ? readdirSync(inside).map((name) => join(inside, name)) : []
  return {
    files,
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    others: others
      .filter((path) => path !== checkpoint && !isHalfWritten(basename(path)))
      .map((path) => relative(folder, path)),
  }
}

/** Returns what is in the way where a path is there, but is a link or not of this kind. */
function obstacleAt(folder: string, path: string, kind: 'file' | 'folder'): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return undefined
  const found = stats.isSymbolicLink() ? 'a link' : (specialKind(stats) ?? 'a file')
  return found === `a ${kind}` ? undefined : `${relative(folder, path)} is ${found}.`
}

/**
 * Removes the last tensors and the checkpoint, and its folder where nothing else is in it. The caller holds the run's
 * lock, and nothing in it is half-written.
 * @throws UserError where the system does not let it.
 */
export function removeBeyondBest({ checkpoint }: RunFiles, { files }: BeyondBest): void {
  const folder = dirname(checkpoint)
  for (const file of files) removing(file, () => rmSync(file))
  if (existsSync(folder) && readdirSync(folder).length === 0) removing(folder, () => rmdirSync(folder))
}

function removing(path: string, remove: () => void): void {
  try {
    remove()
  } catch (error) {
    throw writeError(path, error)
  }
}
