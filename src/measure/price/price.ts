import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { arch, cpus } from 'node:os'
import { extname, join } from 'node:path'
import { z } from 'zod'
import { writeAtomically } from '../../base/files/atomic.js'
import { ownCache } from '../../base/files/cache_folder.js'
import { readJsonFile } from '../../base/files/json_file.js'
import { version } from '../../base/root.js'
import { Interrupted } from '../../cli/interrupt.js'
import type { Failure } from '../../engine/apart/child.js'
import { runApart } from '../../engine/apart/process.js'
import { fewLayers, withLayers } from './layers.js'
import { type LayerCost, PRICED_ROWS, type PriceTrial, type StepCost } from './trial.js'

export interface PriceOptions {
  interrupted: () => boolean
  /** Whether measured steps are kept for later commands. */
  kept: boolean
  /** Where measured steps are kept; by default the user's cache. */
  folder?: string | undefined
}

export type Priced = { costs: LayerCost[] } | Failure

const module = new URL(`./child${extname(import.meta.url)}`, import.meta.url)

/**
 * Takes a few steps of a method on a backbone with few of its layers, or takes what an earlier command measured of the
 * same on this machine. Each number of layers has a process of its own.
 * @throws Interrupted when asked to stop
 */
export async function price(trial: PriceTrial, options: PriceOptions): Promise<Priced> {
  const file = cacheFile(trial, options.folder)
  const known = file && read(file)
  if (known) return { costs: known }
  const costs: LayerCost[] = []
  for (const layers of fewLayers(trial.config, trial.options)) {
    const job = { ...trial, config: withLayers(trial.config, layers) }
    const answer = await runApart<{ cost: StepCost }>(module, job, {
      interrupted: options.interrupted,
      onSaid: () => {},
      saves: false,
    })
    if (answer === 'interrupted') throw new Interrupted({ problem: 'Stopped; a dry run keeps nothing.' })
    if ('failure' in answer) return answer
    costs.push({ layers, ...answer.cost })
  }
  if (file && options.kept) keep(file, costs)
  return { costs }
}

/** Undefined where nothing can be kept, or where others could have written it. */
function cacheFile(trial: object, folder: string | undefined): string | undefined {
  const machine = [version, arch(), cpus().length, cpus()[0]?.model]
  const key = createHash('sha256').update(JSON.stringify([machine, PRICED_ROWS, trial]))
  try {
    return join(folder ?? ownCache('prices'), `${key.digest('hex')}.json`)
  } catch {
    return undefined
  }
}

const positive = z.number().positive()
const costsSchema = z
  .array(z.strictObject({ layers: z.int(), seconds: positive, bytes: z.tuple([positive, positive]) }))
  .min(1)

/** Undefined where nothing is kept, or what is kept is damaged: then it is measured again. */
function read(file: string): LayerCost[] | undefined {
  if (!existsSync(file)) return undefined
  try {
    return readJsonFile(file, costsSchema, { remedy: 'Delete it.' })
  } catch {
    return undefined
  }
}

function keep(file: string, costs: LayerCost[]): void {
  try {
    writeAtomically(file, JSON.stringify(costs))
  } catch {
    // If the cache cannot be written to, the next command measures again; this one continues.
  }
}
