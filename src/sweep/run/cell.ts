import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BAD_USAGE, UserError } from '../../base/error.js'
import { knownError } from '../../base/known_error.js'
import type { Progress } from '../../base/progress.js'
import { Interrupted } from '../../cli/interrupt.js'
import { fromRankZero } from '../../engine/cluster/agree.js'
import { alone, type Ranks } from '../../engine/cluster/ranks.js'
import type { DeviceOptions } from '../../engine/device/device.js'
import { RunBusy, train } from '../../engine/train/train.js'
import { type Result, runFiles } from '../../run/directory.js'
import { readResult } from '../../run/records.js'
import { forgetFailure, type PlannedSweep, readPlanned, writeFailure } from './folder.js'

/** Exit code for a cell that another process is training, which is not a failure of the cell. */
const BUSY = 75

export class CellBusy extends UserError {
  override readonly exitCode = BUSY
}

class NoSuchCell extends UserError {
  override readonly exitCode = BAD_USAGE
}

export interface RunCellOptions extends DeviceOptions {
  /** Resume the cell on another backbone or other rows than it was started with. */
  allowChanged?: boolean | undefined
  progress: Progress
  interrupted: () => boolean
  /** The ranks that share the cell. */
  ranks?: Ranks
}

/**
 * Trains one cell of a sweep to its end, in this process; a finished one is left unchanged, a started one is resumed.
 * @throws Interrupted after saving; CellBusy where another process is training it; any other error after writing it
 *   into failure.json next to the run.
 */
export async function runCell(folder: string, index: number, options: RunCellOptions): Promise<Result> {
  const cell = cellAt(readPlanned(folder), index)
  const files = runFiles(join(folder, cell.name))
  const { ranks = alone } = options
  const finished = await fromRankZero(ranks, () => readResult(files))
  if (finished) return finished
  try {
    if (ranks.rank === 0) forgetFailure(folder, cell.name)
    return await train(cell.experiment, { ...options, folder: files.folder, resume: existsSync(files.experiment) })
  } catch (error) {
    if (error instanceof Interrupted) throw error
    if (error instanceof RunBusy) throw new CellBusy(error)
    const told = knownError(error)
    writeFailure(folder, cell.name, (told as Error).message)
    throw told
  }
}

function cellAt({ cells }: PlannedSweep, index: number): PlannedSweep['cells'][number] {
  const cell = cells[index]
  if (cell) return cell
  throw new NoSuchCell({ problem: `There is no cell ${index}.`, remedy: `Cells: 0 to ${cells.length - 1}.` })
}
