import { availableParallelism, loadavg } from 'node:os'
import { withTwoLabels } from '../backbone/registry.js'
import { BAD_USAGE, UserError } from '../base/error.js'
import type { Progress } from '../base/progress.js'
import { Agreed } from '../cli/interrupt.js'
import type { Subject } from '../count/parameters.js'
import { select } from '../count/selection.js'
import type { Ranks } from '../engine/cluster/ranks.js'
import { busyLine, isBusy } from './load.js'
import { measure } from './measure.js'
import { measureApart } from './process.js'
import { type Row, rowOf } from './row.js'
import { findTorch, measureTorch, type Torch, type TorchMeasured, torchHas } from './torch.js'
import type { BenchedSteps, Measured, Trial } from './trial.js'

export interface BenchOptions extends BenchedSteps {
  /** Presets or folders with a config.json. */
  backbones: string[]
  /** Presets, or `all`. */
  methods: string[]
  sets: string[]
  threads?: number | undefined
  /** Timed steps of a process. */
  steps: number
  /** Rounds; in each, every method runs in one process, one after the other. */
  repetitions: number
  against?: 'torch' | undefined
  python: string
  profile: boolean
  /** The ranks that share each step: they are the processes that measure. */
  ranks: Ranks
  progress: Progress
}

/** What was measured so far for one method on one backbone. */
export interface Samples {
  subject: Subject
  ours: Measured[]
  torch: TorchMeasured[]
  /** Load averages of the machine, one for each round. */
  loads: number[]
}

/**
 * Measures every method on every backbone, on random weights. The methods take turns, in a fresh process each time, so
 * that other load on the machine affects all alike. Ranks are such processes already and measure one method, once.
 * @throws UserError where a method that was named does not fit, an engine or PyTorch is missing, or a process was
 *   killed.
 */
export async function bench(options: BenchOptions): Promise<Row[]> {
  const { backbones, methods, sets, progress } = options
  const subjects = await select({ backbones, methods, sets })
  for (const { backbone, method, problem } of subjects)
    if (problem) progress.warn(`${method} does not fit ${backbone}: ${problem}`)
  if (isBusy()) progress.warn(`${busyLine()} Times say little, ratios of turns say more.`)
  if (options.ranks.size > 1) return [await benchTogether(subjects, options)]
  const torch = options.against && (await findTorch(options.python))
  const rows: Row[] = []
  for (const backbone of new Set(subjects.map(({ backbone }) => backbone))) {
    const samples = subjects
      .filter((subject) => subject.backbone === backbone && !subject.problem)
      .map((subject): Samples => ({ subject, ours: [], torch: [], loads: [] }))
    for (let round = 0; round < options.repetitions; round++)
      for (const sample of samples) await takeTurn(sample, round, options, torch)
    const full = samples.find(({ subject }) => subject.method === 'full')
    rows.push(...samples.map((sample) => rowOf(sample, full, options, torch)))
  }
  progress.end()
  return rows
}

/** Every rank finds the fault at the same place. */
class Unshared extends Agreed {
  override readonly exitCode = BAD_USAGE
}

/** Measures a step that ranks share. @throws UserError where more is asked for than one method's steps */
async function benchTogether(subjects: readonly Subject[], options: BenchOptions): Promise<Row> {
  const [subject, ...others] = subjects
  const apart = options.against ? '--against' : options.profile ? '--profile' : undefined
  if (apart)
    throw new Unshared({ at: '--mpi', problem: `goes without ${apart}.`, remedy: `Measure ${apart} in one process.` })
  if (!subject || others.length > 0 || subject.problem)
    throw new Unshared({
      at: '--mpi',
      problem: subject?.problem ?? `measures one method on one backbone at a time, and these are ${subjects.length}.`,
      remedy: 'Name one with --method and --backbone.',
    })
  const { ranks, progress, repetitions } = options
  progress.phase(`${subject.backbone}: ${subject.method}, a step shared by ${ranks.size} ranks`)
  const trial = trialOf(subject, { ...options, steps: options.steps * repetitions })
  const loads = [loadavg()[0]!]
  const measured = await measure(trial, ranks)
  progress.end()
  return rowOf({ subject, ours: [measured], torch: [], loads }, undefined, options)
}

async function takeTurn(samples: Samples, round: number, options: BenchOptions, torch: Torch | undefined) {
  const { subject, ours } = samples
  const { progress, repetitions } = options
  const what = `${subject.backbone}, round ${round + 1} of ${repetitions}: ${subject.method}`
  const trial = trialOf(subject, options)
  samples.loads.push(loadavg()[0]!)
  progress.phase(what)
  ours.push(await about(what, measureApart(trial)))
  if (round === 0 && options.profile) {
    progress.phase(`${what}, kernels of an eager step`)
    const profiled = { ...trial, mode: 'eager', precision: 'float32', steps: 1, profile: true } as const
    ours[0]!.profile = (await about(what, measureApart(profiled))).profile!
  }
  if (!torch || !torchHas(trial, torch)) return
  progress.phase(`${what}, PyTorch`)
  const measured = await about(`${what}, PyTorch`, measureTorch(torch, trial))
  const trained = ours[0]!.trainedParameters
  if (measured.trainedParameters !== trained)
    throw new Error(`${what} trains ${trained} parameters here and ${measured.trainedParameters} in PyTorch`)
  samples.torch.push(measured)
}

function trialOf({ config, options }: Subject, bench: BenchOptions): Trial {
  const { batchSize, sourceLength, targetLength, precision, mode, engine, steps } = bench
  const threads = bench.threads ?? availableParallelism()
  const shape = { batchSize, sourceLength, targetLength }
  return { config: withTwoLabels(config), options, ...shape, precision, mode, engine, threads, steps, profile: false }
}

/** Adds to an error which measurement failed. */
async function about<T>(what: string, measured: Promise<T>): Promise<T> {
  try {
    return await measured
  } catch (error) {
    if (!(error instanceof UserError)) throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
    if (error.at) throw error
    const { problem, remedy } = error
    throw new UserError({ at: what, problem, ...(remedy && { remedy }) }, { cause: error })
  }
}
