import { extname } from 'node:path'
import type { Progress } from '../../base/progress.js'
import { Interrupted } from '../../cli/interrupt.js'
import type { Experiment } from '../../experiment/schema.js'
import type { DeviceOptions } from '../device/device.js'
import type { Plan } from '../prepare/dry_run.js'
import type { Failure } from './child.js'
import { runApart } from './process.js'

export interface MeasureOptions extends DeviceOptions {
  progress: Progress
  interrupted: () => boolean
}

export type Measured = { plan: Plan } | Failure

const module = new URL(`./measure_child${extname(import.meta.url)}`, import.meta.url)

/** Does a dry run in a process of its own. @throws Interrupted */
export async function measureApart(
  measure: Experiment,
  { progress, interrupted, engine, threads }: MeasureOptions,
): Promise<Measured> {
  const job = { measure, ...(engine && { engine }), ...(threads && { threads }) }
  const answer = await runApart<Measured>(module, job, {
    interrupted,
    onSaid: ({ text }) => progress.update(text),
    saves: false,
  })
  if (answer === 'interrupted') throw new Interrupted({ problem: 'Stopped; a dry run keeps nothing.' })
  return answer
}
