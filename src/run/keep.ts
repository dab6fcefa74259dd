import { existsSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { commandLine, quoted } from '../base/command_line.js'
import type { Progress } from '../base/progress.js'
import { byteSize } from '../base/text/size.js'
import type { TrainingOptions } from '../experiment/schema.js'
import type { RunFiles } from './directory.js'

/** The size of the files from which a line says that they are kept only for continuing the run. */
const MUCH = 100e6

/**
 * Removes the files of a finished run that `training.keep` does not want. Its best tensors and its result are on the
 * disk by then, so a kill leaves a finished run with extra files, which the next `--resume` removes. With `all` it says
 * if the kept files are large.
 */
export function keepOnly({ keep }: Pick<TrainingOptions, 'keep'>, files: RunFiles, { note }: Progress): void {
  if (keep === 'best') {
    removeBeyondBest(files)
    return
  }
  const bytes = bytesBeyondBest(files)
  if (bytes < MUCH) return
  const way = commandLine(`train --resume ${quoted(files.folder)} --set training.keep=best`)
  note(
    `The last tensors and the checkpoint take ${byteSize(bytes)}. \`${way}\` removes them; the run can't become ` +
      'longer then.',
  )
}

/** The files that only a training that goes on reads. */
const beyondBest = ({ last, checkpoint }: RunFiles) => [last, checkpoint].filter((file) => existsSync(file))

/** Returns the size of the last tensors and the checkpoint, which only a training that goes on reads. */
export const bytesBeyondBest = (files: RunFiles): number =>
  beyondBest(files).reduce((sum, file) => sum + statSync(file).size, 0)

/** Removes the last tensors and the checkpoint. The caller holds the run's lock, and nothing in it is half-written. */
export function removeBeyondBest(files: RunFiles): void {
  for (const file of beyondBest(files)) rmSync(file)
  if (existsSync(dirname(files.checkpoint))) rmdirSync(dirname(files.checkpoint))
}
