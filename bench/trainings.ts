// Trainings for docs/results: each a process on one thread, and two of them at a time.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Result } from '../src/run/directory.js'
import { compacter } from './sides.js'

const start = promisify(execFile)

/** The values of an experiment by their keys, those of `training` by its own. */
interface Values {
  training: Record<string, unknown>
  others: Record<string, unknown>
}

/** Trains an experiment with these values into a run directory, unless that run is finished. */
export async function trained(run: string, experiment: string, { training, others }: Values): Promise<Result> {
  const result = join(run, 'result.json')
  if (!existsSync(result)) {
    rmSync(run, { recursive: true, force: true })
    const sets = [
      ...Object.entries(training).map(([key, value]) => [`training.${key}`, value]),
      ...Object.entries(others),
    ]
    const flags = sets.flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const [program, ...args] = compacter('train', experiment, '--json', '--threads', '1', '--run-dir', run, ...flags)
    await start(program!, args)
  }
  return JSON.parse(readFileSync(result, 'utf8'))
}

/** Does work for every item, two at a time: two cores do more so than one run does on both. Keeps the order. */
export async function twoAtATime<Item, Done>(
  items: readonly Item[],
  work: (item: Item) => Promise<Done>,
): Promise<Done[]> {
  const done: Done[] = []
  const left = [...items.entries()]
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) done[next[0]] = await work(next[1])
  }
  await Promise.all([worker(), worker()])
  return done
}
