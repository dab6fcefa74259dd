import { resolve } from 'node:path'
import { isLocked } from '../../base/lock/lock.js'
import { slurmStates } from '../slurm/slurm.js'
import { type CellRow, readResults } from './results.js'

/** What `sweep status --json` prints. */
export interface SweepStatus {
  name: string
  folder: string
  /** `slurm`: what the scheduler says of the cell, such as `queued (Priority)`. */
  cells: (CellRow & { slurm?: string })[]
  /**
   * Whether a process runs the sweep, also between two cells, or a cell of it is trained or waits in a cluster's queue.
   */
  active: boolean
}

/** Reads the progress of a sweep. @throws UserError where the folder is not a sweep's. */
export async function readStatus(folder: string): Promise<SweepStatus> {
  const running = await isLocked(`${resolve(folder)}.lock`) // first: what is read after a sweep's end is its end
  const { name, cells } = await readResults(folder)
  const slurm = await slurmStates(folder)
  const rows = cells.map((cell) => {
    const said = cell.state === 'finished' ? undefined : slurm.get(cell.index)
    return said === undefined ? cell : { ...cell, slurm: said }
  })
  const busy = rows.some(
    (cell) => cell.state === 'running' || /^(queued|requeued|running)/.test(slurm.get(cell.index) ?? ''),
  )
  return { name, folder, cells: rows, active: running || busy }
}
