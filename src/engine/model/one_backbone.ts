import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import { checkBackbone, short, type WhenChanged } from '../../run/made_with.js'
import { checkBackboneThere } from '../../run/places.js'
import { backboneHash, type TrainedRun } from '../../run/trained_run.js'
import tf from '../../tensor/tf.cjs'
import { type OpenedBackbone, prepareBackbone, withVocabulary } from '../prepare/prepare.js'
import { loadTrained } from './checkpoint.js'
import { blueprintOf, loadModel, type Model, type PlaceTensor, placing } from './model.js'

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

/** Runs of one backbone, whose frozen tensors are on the device once; a run's own tensors come and go. */
export interface OneBackbone {
  storage: Storage
  /** Returns the backbone with the run's vocabulary. */
  backboneOf(run: TrainedRun): OpenedBackbone
  load(run: TrainedRun): LoadedRun
  close(): void
}

export interface LoadedRun {
  model: Model
  /** The trained values [size]. */
  vector: tf.Tensor1D
  /** Frees what belongs only to the run. */
  dispose(): void
}

/**
 * Opens the backbone of one or several runs; the device has to be started before the first is loaded.
 * @throws UserError where the runs have different backbones, or the backbone here differs from theirs, unless changes
 *   are allowed.
 */
export async function openOneBackbone(
  runs: TrainedRun[],
  progress: Progress,
  allowChanged = false,
): Promise<OneBackbone> {
  const when = { allowChanged, warn: progress.warn }
  const [first, ...others] = runs
  for (const run of others) await checkSameBackbone(first!, run, when)
  checkBackboneThere(first!.folder, first!.experiment)
  const opened = await prepareBackbone(first!.experiment, progress)
  const { files, tokenizer } = opened
  const backboneOf = ({ experiment }: TrainedRun) =>
    withVocabulary(files, tokenizer, experiment.backbone.trim_vocabulary)
  try {
    for (const { folder, made } of runs) checkBackbone(folder, made, files, when)
  } catch (error) {
    files.close()
    throw error
  }
  const shared = new Map<string, tf.Tensor>()
  const place = placingOnce(placing(files.read), shared)
  return {
    storage: storageOf(runs, backboneOf),
    backboneOf,
    load(run) {
      const { method, training } = run.experiment
      const model = loadModel(backboneOf(run).config, method, files.read, training.seed, place)
      const vector = tf.tensor1d(loadTrained(run.tensors, model, run.step))
      return { model, vector, dispose: () => void tf.dispose([vector, ...model.constants.values()]) }
    },
    close() {
      tf.dispose([...shared.values()])
      files.close()
    },
  }
}

/**
 * Places each tensor once. A tensor that some runs train is placed for those that leave it frozen; one of a trimmed
 * vocabulary is placed in addition to the whole one.
 */
function placingOnce(place: PlaceTensor, shared: Map<string, tf.Tensor>): PlaceTensor {
  return (name, shape) => {
    const key = `${name} ${shape}`
    const tensor = shared.get(key) ?? place(name, shape)
    shared.set(key, tensor)
    return tensor
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
  const sameName = nameOf(first) === nameOf(other)
  const unknown = first.made.weights === undefined || other.made.weights === undefined
  if (sameName && (unknown || allowChanged)) return // each is compared with what is here
  const [hash, otherHash] = [await backboneHash(first), await backboneHash(other)]
  if (hash === otherHash) return
  const shown = (run: TrainedRun, sha256: string) => `${nameOf(run)} (SHA-256 ${short(sha256)})`
  throw new UserError({
    at: other.folder,
    problem: `was trained on ${shown(other, otherHash)}, but ${first.folder} on ${shown(first, hash)}.`,
    remedy: 'Runs that are named together share one backbone: call the command once for each backbone.',
  })
}

const nameOf = ({ experiment }: TrainedRun) => experiment.backbone.name
