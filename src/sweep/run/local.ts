import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { makeFolder } from '../../base/files/atomic.js'
import type { Progress } from '../../base/progress.js'
import { Interrupted } from '../../cli/interrupt.js'
import { duration } from '../../cli/terminal.js'
import type { DeviceOptions } from '../../engine/device/device.js'
import { type Result, runFiles } from '../../run/directory.js'
import { readableResult } from '../../run/records.js'
import { kindOfCell } from '../plan/kind.js'
import type { Answer } from './child.js'
import { type PlannedSweep, sweepFiles, writeFailure } from './folder.js'
import { runCellApart } from './process.js'
import { Board, TimeLeft } from './progress.js'

export interface LocalOptions extends DeviceOptions {
  /** Resume cells on another backbone or other rows than they were started with. */
  allowChanged?: boolean | undefined
  /** The number of cells at once. */
  jobs: number
  progress: Progress
  /** Called often. */
  interrupted: () => boolean
}

/**
 * Trains cells on this machine, each in a process of its own, `jobs` at once; they share the cores. A cell that fails
 * is reported, and the others continue.
 * @throws Interrupted when asked to stop, after the running cells are saved.
 */
export async function runLocal(
  folder: string,
  planned: PlannedSweep,
  indices: readonly number[],
  options: LocalOptions,
): Promise<void> {
  const { cells } = planned
  const { progress, interrupted } = options
  const jobs = Math.min(options.jobs, indices.length)
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / jobs))
  makeFolder(sweepFiles(folder).logs)
  const results = cells.map(({ name }) => readableResult(runFiles(join(folder, name))))
  const left = new TimeLeft(jobs)
  for (const [i, result] of results.entries()) if (result) left.took(kindOfCell(cells[i]!), result.seconds)
  const board = new Board(progress, jobs)
  const queue = [...indices]
  const running = new Set<number>()
  let cut = false
  const next = async (): Promise<void> => {
    const index = interrupted() ? undefined : queue.shift()
    if (index === undefined) return
    running.add(index)
    const cell = cells[index]!
    const line = left.line([...running, ...queue].map((i) => kindOfCell(cells[i]!)))
    board.begin(cell.name, `${index + 1} of ${cells.length} ${cell.name}${line}`)
    const started = performance.now()
    const answer = await runCellApart(
      { folder, index, allowChanged: options.allowChanged, ...(options.engine && { engine: options.engine }), threads },
      {
        log: join(sweepFiles(folder).logs, `${cell.name}.log`),
        interrupted,
        onSaid: ({ kind, text }) => board.said(cell.name, kind, text),
      },
    )
    running.delete(index)
    const seconds = (performance.now() - started) / 1000
    if (answer === 'interrupted') cut = true
    if (answer === 'finished') left.took(kindOfCell(cell), seconds)
    board.ended(cell.name, lineOf(folder, cell.name, answer, seconds))
    return next()
  }
  await Promise.all(Array.from({ length: jobs }, next))
  board.close()
  if (interrupted() && (cut || queue.length > 0)) throw stopped(folder, planned)
}

/** Returns a line about a cell that ended. A failure that the cell could not write down itself is written here. */
function lineOf(
  folder: string,
  name: string,
  answer: Answer,
  seconds: number,
): { text: string; warning: boolean; finished: boolean } {
  if (answer === 'finished') {
    const { validation } = readableResult(runFiles(join(folder, name)))!
    return {
      text: `${name}: ${shownScores(validation)} on validation, ${duration(seconds)}`,
      warning: false,
      finished: true,
    }
  }
  if (answer === 'interrupted') return { text: `${name}: stopped and saved`, warning: false, finished: false }
  if (answer === 'busy')
    return { text: `${name} is being trained by another process: left to it.`, warning: true, finished: false }
  const failure = 'failure' in answer ? answer.failure : 'no result.'
  writeFailure(folder, name, failure)
  return { text: `${name} failed: ${failure}`, warning: true, finished: false }
}

const shownScores = (scores: Result['validation']) =>
  Object.entries(scores)
    .map(([metric, score]) => `${metric} ${score.toFixed(2)}`)
    .join(', ')

function stopped(folder: string, { cells }: PlannedSweep): Interrupted {
  const done = cells.filter(({ name }) => readableResult(runFiles(join(folder, name)))).length
  return new Interrupted({
    problem: `Stopped; ${done} of ${cells.length} cells are finished and everything so far is saved.`,
    remedy: 'Go on with the same command.',
  })
}
