import { type CellRow, readResults } from './results.js'
import { slurmStates } from './slurm.js'

/** What `sweep status --json` prints. */
export interface SweepStatus {
  name: string
  folder: string
  /** `slurm`: what the scheduler says of it, such as `queued (Priority)`. */
  cells: (CellRow & { slurm?: string })[]
  /** Whether a cell is being trained, or waits in a cluster's queue. */
  active: boolean
}

/** How far a sweep is. @throws UserError where the folder is no sweep's. */
export async function readStatus(folder: string): Promise<SweepStatus> {
  const { name, cells } = await readResults(folder)
  const slurm = await slurmStates(folder)
  const rows = cells.map((cell) => {
    const said = cell.state === 'finished' ? undefined : slurm.get(cell.index)
    return said === undefined ? cell : { ...cell, slurm: said }
  })
  const active = rows.some(
    (cell) => cell.state === 'running' || /^(queued|requeued|running)/.test(slurm.get(cell.index) ?? ''),
  )
  return { name, folder, cells: rows, active }
}
