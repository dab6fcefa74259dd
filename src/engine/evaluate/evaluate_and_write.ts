import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkWritable, makeFolder } from '../../base/files/atomic.js'
import { checkFree } from '../../base/files/free.js'
import { isStream } from '../../base/files/special_file.js'
import { predictedWithFile, runFiles } from '../../run/directory.js'
import { type EvaluatedRuns, type EvaluateRunsOptions, evaluateRuns } from './evaluate_run.js'
import { writePredictions } from './predictions.js'

const FLAG = '--predictions'

export interface EvaluateAndWriteOptions extends EvaluateRunsOptions {
  /** The file for every row and its prediction; rank 0 alone writes it. */
  predictions?: string | undefined
  /** Replace it where it is there. */
  force: boolean
}

/**
 * Scores runs as `evaluateRuns` does, and writes every row that they answered where that is asked for.
 * @throws UserError as `evaluateRuns`; before any of that where the file can't be written
 */
export async function evaluateAndWrite(
  folders: string[],
  { predictions, force, ...options }: EvaluateAndWriteOptions,
): Promise<EvaluatedRuns> {
  const file = options.ranks && options.ranks.rank > 0 ? undefined : predictions
  if (file) {
    checkFree(file, force, FLAG)
    makeOwnFolder(file, folders)
    checkWritable(file, { streams: true })
    if (!isStream(file)) checkWritable(predictedWithFile(file))
  }
  const evaluated = await evaluateRuns(folders, options)
  if (file) {
    checkFree(file, force, FLAG) // again: something may have come meanwhile
    writePredictions(file, options.split, evaluated.evaluated)
  }
  return evaluated
}

/** A run of an earlier version has no folder for its answers yet. */
function makeOwnFolder(file: string, runs: readonly string[]): void {
  const own = runs.map(runFiles).filter(({ experiment }) => existsSync(experiment))
  const answers = own.flatMap(({ testPredictions, validationPredictions }) => [testPredictions, validationPredictions])
  if (answers.some((path) => resolve(path) === resolve(file))) makeFolder(dirname(file))
}
