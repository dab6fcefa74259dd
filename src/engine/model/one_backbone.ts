import type { Precision } from '../../base/choices.js'
import { setupCommand } from '../../base/command_line.js'
import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import { checkBackbone, short, type WhenChanged } from '../../run/made_with.js'
import type { Device } from '../../run/manifest.js'
import { checkBackboneThere } from '../../run/places.js'
import { backboneHash, backboneNameOf, onOtherBackbone, type TrainedRun } from '../../run/trained_run.js'
import type { Library } from '../graph/library.js'
import { runningLibrary } from '../graph/start.js'
import { backboneFor, type OpenedBackbone, prepareBackbone } from '../prepare/prepare.js'
import { sessionRuns } from '../replay/session_runs.js'
import { eagerRuns, type HeldRuns, type LoadedRun } from './held_runs.js'
import { blueprintOf } from './model.js'

const BYTES_A_PARAMETER = 4

/** The storage of the runs, in bytes of float32: the paper's argument for sharing a backbone. */
export interface Storage {
  runs: number
  backbone_bytes: number
  /** The trained tensors of all runs. */
  trained_bytes: number
  /** As many full copies of the backbone, which full fine-tuning would need. */
  full_copies_bytes: number
}

/** Runs of one backbone, whose frozen tensors are in memory once; a run's own tensors come and go. */
export interface OneBackbone {
  storage: Storage
  /** Returns the backbone with the run's vocabulary. */
  backboneOf(run: TrainedRun): OpenedBackbone
  /** Puts the run's tensors where the started device computes with them. */
  load(run: TrainedRun, device: Pick<Device, 'threads'>): Promise<LoadedRun>
  close(): void
}

export interface OneBackboneOptions {
  /** Continue with another backbone than the runs'. */
  allowChanged?: boolean | undefined
  /** Whether runs decode op by op, on every engine, for what a session can't do. */
  eager?: boolean | undefined
  /** Of products of matrices; bfloat16 needs a session. */
  precision?: Precision | undefined
}

/**
 * Opens the backbone of one or several runs; the device has to be started before the first is loaded.
 * @throws UserError where the runs have different backbones, or the backbone here differs from theirs, unless changes
 *   are allowed. Loading a run throws where the engine has no such precision.
 */
export async function openOneBackbone(
  runs: TrainedRun[],
  progress: Progress,
  { allowChanged = false, eager = false, precision = 'float32' }: OneBackboneOptions = {},
): Promise<OneBackbone> {
  const when = { allowChanged, warn: progress.warn }
  const [first, ...others] = runs
  for (const run of others) await checkSameBackbone(first!, run, when)
  checkBackboneThere(first!.folder, first!.experiment)
  const opened = await prepareBackbone(first!.experiment, progress)
  const { files, tokenizer } = opened
  const backboneOf = ({ experiment, elsewhere }: TrainedRun) =>
    backboneFor(files, tokenizer, elsewhere?.own.experiment ?? experiment)
  try {
    for (const { folder, made } of runs) checkBackbone(folder, made, files, when)
  } catch (error) {
    files.close()
    throw error
  }
  let held: HeldRuns | undefined
  return {
    storage: storageOf(runs, backboneOf),
    backboneOf,
    async load(run, { threads }) {
      const library = eager ? undefined : libraryHere()
      if (!library && precision !== 'float32') throw needsTensorflow(precision)
      held ??= library ? sessionRuns(library, files.read, { threads, precision }) : eagerRuns(files.read)
      return held.load(run, backboneOf(run).config)
    },
    close() {
      held?.close()
      files.close()
    },
  }
}

const needsTensorflow = (precision: Precision) =>
  new UserError({
    at: `--precision ${precision}`,
    problem: 'needs the engine tensorflow and its C API.',
    remedy: `Run \`${setupCommand()}\`, or leave --precision out.`,
  })

/** TensorFlow's C API; undefined where another engine runs, or where it can't be called. */
function libraryHere(): Library | undefined {
  try {
    return runningLibrary()
  } catch {
    return undefined
  }
}

function storageOf(runs: TrainedRun[], backboneOf: (run: TrainedRun) => OpenedBackbone): Storage {
  const whole = runs.map((run) => backboneOf(run).parameters)
  const trained = runs.map((run) => blueprintOf(backboneOf(run).config, run.experiment.method).layout.size)
  const bytes = (parameters: number[]) => BYTES_A_PARAMETER * parameters.reduce((sum, count) => sum + count, 0)
  return {
    runs: runs.length,
    backbone_bytes: BYTES_A_PARAMETER * Math.max(...whole),
    trained_bytes: bytes(trained),
    full_copies_bytes: bytes(whole),
  }
}

/**
 * Compares backbones by the hash of the weights; where a hash is not noted, backbones with the same name are the same.
 */
async function checkSameBackbone(first: TrainedRun, other: TrainedRun, { allowChanged }: WhenChanged): Promise<void> {
  const sameName = backboneNameOf(first) === backboneNameOf(other)
  const unknown = first.made.weights === undefined || other.made.weights === undefined
  if (sameName && (unknown || allowChanged)) return // each is compared with what is here
  const [hash, otherHash] = [await backboneHash(first), await backboneHash(other)]
  if (hash === otherHash) return
  throw onOtherBackbone(first, other, (run) => ` (SHA-256 ${short(run === first ? hash : otherHash)})`)
}
