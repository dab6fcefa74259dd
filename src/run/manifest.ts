import type { EngineName, Mode, Precision } from '../base/choices.js'
import { outputOf } from '../base/program.js'
import { packageRoot, version } from '../base/root.js'
import { ownPlaces, type Place } from '../experiment/places.js'
import type { Experiment } from '../experiment/schema.js'
import type { RowOrder } from '../task/tokens/batches.js'
import type { Padding } from '../task/tokens/lengths.js'
import tf from '../tensor/tf.cjs'
import type { Change, StartedFrom } from './records.js'

/** What computes, in words for a person and in parts for the manifest. */
export interface Device {
  engine: EngineName
  /** 'TensorFlow 2.21.0 from the pip wheel, 2 CPU threads' */
  description: string
  version: string
  origin: string
  /** CPU threads that compute. */
  threads: number
  gpu?: string
  /** Warnings that say why a faster engine is not used. */
  notes: string[]
}

/** What `training.batch_size: auto` has chosen, and why. */
export interface ChosenBatch {
  rows: number
  /** Peak resident memory of a process that took steps of that many of the longest rows. */
  peak_memory_bytes: number
  /** The memory that was available to it. */
  available_bytes: number
}

/** A graph of the session, and how long it took to get it. */
export interface GraphFacts {
  /**
   * `step_32x64x4`: kind, rows, source tokens, target tokens; `gradient_8x64x4` for rows of a batch; `loss_32x64x4` of
   * validation; or `update` or `decoding`, of any shape.
   */
  name: string
  /** Seconds until it could run: captured, or read from the cache, and loaded. */
  seconds: number
  /** Whether it was in the cache. */
  cached: boolean
}

/** What a run was made with, to tell it from others and to repeat it. */
export interface Manifest {
  compacter: string
  git_commit: string | null
  node: string
  platform: string
  tfjs: string
  engine: string
  engine_version: string
  device: string
  threads: number
  /** How steps are taken: as captured graphs, or op by op. */
  engine_mode: Mode
  /** Options of TensorFlow's session for replay; null where steps are eager. */
  session: { intra_threads: number; inter_threads: number; rewrites: boolean; xla_level: number } | null
  /** The graphs that the run replayed, in the order of first use; of a resumed run those since it was resumed. */
  graphs: GraphFacts[]
  precision: Precision
  /**
   * Whether an NVIDIA GPU may round float32 operands of products to TF32 for its tensor cores: TensorFlow allows it
   * unless NVIDIA_TF32_OVERRIDE is 0. Null if no such GPU computes.
   */
  tensor_float_32: 'allowed' | 'off' | null
  /** How rows became batches. Runs of versions that sorted them by length in windows of 50 batches lack it. */
  row_order: RowOrder
  padding: Padding
  /** If `training.batch_size` was auto: what was chosen when the run began, and the memory that decided it. */
  batch_size_auto?: ChosenBatch
  /**
   * If evaluations were on some of the validation rows: how many, and of how many. Which rows they are depends on
   * nothing else.
   */
  evaluation_rows?: { rows: number; of: number }
  /** If several processes computed the steps: their MPI library, and the host and CPU threads of each, by rank. */
  mpi?: { library: string; ranks: { host: string; threads: number }[] }
  seed: number
  trained_parameters: number
  /** Those of them in the head; of runs on encoders. */
  head_parameters?: number
  backbone_parameters: number
  backbone_sha256: string
  tokenizer_sha256: string
  backbone_config: Record<string, unknown>
  data_sha256: Record<string, string>
  /** Absolute paths of the user's own files and the backbone's folder; experiment.yaml has them relative to the run. */
  places: Partial<Record<Place, string>>
  /** The run whose trained tensors the training started from, if any. */
  start?: StartedFrom
  /** What had changed when the run was continued: backbone or rows, with --allow-changed, or its length. */
  changes?: Change[]
}

export function manifestOf(
  experiment: Experiment,
  device: Device,
  facts: Pick<
    Manifest,
    | 'trained_parameters'
    | 'head_parameters'
    | 'mpi'
    | 'start'
    | 'batch_size_auto'
    | 'backbone_parameters'
    | 'backbone_sha256'
    | 'tokenizer_sha256'
    | 'backbone_config'
    | 'engine_mode'
    | 'session'
    | 'graphs'
    | 'row_order'
    | 'padding'
    | 'evaluation_rows'
  >,
  data_sha256: Record<string, string>,
): Manifest {
  return {
    compacter: version,
    git_commit: gitCommit(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    tfjs: tf.version_core,
    engine: device.engine,
    engine_version: device.version,
    device: device.description,
    threads: device.threads,
    precision: experiment.training.precision,
    tensor_float_32: tensorFloat32(device),
    seed: experiment.training.seed,
    ...facts,
    places: ownPlaces(experiment),
    data_sha256,
  }
}

function tensorFloat32({ engine, gpu }: Device): Manifest['tensor_float_32'] {
  if (engine !== 'tensorflow' || !gpu) return null
  return process.env.NVIDIA_TF32_OVERRIDE === '0' ? 'off' : 'allowed'
}

/** Returns the commit of the toolkit's own checkout; null if it was installed as a package. */
function gitCommit(): string | null {
  try {
    const git = (...args: string[]) =>
      outputOf('git', ['-C', packageRoot, ...args], { stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    return git('rev-parse', '--show-toplevel') === packageRoot ? git('rev-parse', 'HEAD') : null
  } catch {
    return null
  }
}
