import type { BackboneConfig } from '../../backbone/registry.js'
import type { TrainedRun } from '../../run/trained_run.js'
import tf from '../../tensor/tf.cjs'
import { loadTrained } from './checkpoint.js'
import { type Decoder, eagerDecoder } from './decoder.js'
import { loadModel, type PlaceTensor, placing, type ReadTensor } from './model.js'

/** A run whose own tensors are in place next to those of its backbone. */
export interface LoadedRun {
  /** The trained values. */
  trained: Float32Array
  /** Returns what decodes with them, until it is disposed. */
  decoder(): Promise<Decoder>
  /** Frees what belongs only to the run. */
  dispose(): Promise<void>
}

/** Runs of one backbone, whose frozen tensors are held once; a run's own tensors come and go. */
export interface HeldRuns {
  load(run: TrainedRun, config: BackboneConfig): Promise<LoadedRun>
  close(): void
}

/** Holds runs in tfjs, which decodes op by op. */
export function eagerRuns(read: ReadTensor): HeldRuns {
  const shared = new Map<string, tf.Tensor>()
  const place = placingOnce(placing(read), shared)
  return {
    async load({ experiment: { method, training }, tensors, step }, config) {
      const model = loadModel(config, method, read, training.seed, place)
      const trained = loadTrained(tensors, model, step)
      const vector = tf.tensor1d(trained)
      return {
        trained,
        decoder: async () => eagerDecoder(model, vector),
        dispose: async () => void tf.dispose([vector, ...model.constants.values()]),
      }
    },
    close: () => void tf.dispose([...shared.values()]),
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
