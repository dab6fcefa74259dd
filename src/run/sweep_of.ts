import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { readJsonFile } from '../base/files/json_file.js'

/** A sweep's list of its cells, in its folder, next to the cells' run directories. */
export const CELLS_FILE = 'cells.json'

/** The order of cells decides what a job that waits in a cluster's queue will train. */
export const REWRITE =
  'If none of its jobs is in a queue, delete it: the same `compacter sweep run` writes it again, and keeps what ' +
  'is trained.'

const cells = z.looseObject({ cells: z.array(z.looseObject({ name: z.string() })) })

/**
 * Returns the folder of the sweep that a run is a cell of; undefined for a run on its own.
 * @throws UserError where the list of cells is damaged.
 */
export function sweepOf(run: string): string | undefined {
  const [folder, name] = [dirname(resolve(run)), basename(resolve(run))]
  const file = join(folder, CELLS_FILE)
  if (!existsSync(file)) return undefined
  const planned = readJsonFile(file, cells, { remedy: REWRITE })
  return planned.cells.some((cell) => cell.name === name) ? folder : undefined
}
