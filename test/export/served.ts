import { encode } from '../../src/backbone/t5.js'
import { loadTrained } from '../../src/engine/checkpoint.js'
import { generate } from '../../src/engine/generate.js'
import { disposeModel, evaluationPass } from '../../src/engine/model.js'
import { prepareBackbone, prepareModel } from '../../src/engine/prepare.js'
import type { NodeBackend } from '../../src/engine/tensorflow.js'
import { openTrainedRun } from '../../src/export/trained_run.js'
import { silent } from '../../src/progress.js'
import tf from '../../src/tf.cjs'

/** Token ids [rows, length], padded with 0. */
export type Batch = number[][]

/** For each batch, the rows of output ids without padding and </s>, and the encoder's hidden states, flat. */
export interface Outputs {
  tokens: number[][][]
  hidden: number[][]
}

/** What a run gives on our own engine. */
export async function outputsOf(folder: string, batches: Batch[]): Promise<Outputs> {
  const { experiment, tensors } = openTrainedRun(folder)
  const backbone = await prepareBackbone(experiment, silent)
  const model = prepareModel(experiment, backbone, silent)
  const vector = tf.tensor1d(loadTrained(tensors, model))
  const { pass, dispose } = evaluationPass(model, vector)
  const outputs: Outputs = { tokens: [], hidden: [] }
  for (const rows of batches) {
    const [size, sourceLength] = [rows.length, rows[0]!.length]
    const sources = { sourceIds: Int32Array.from(rows.flat()), size, sourceLength }
    outputs.tokens.push(await generate(pass, sources, experiment.training.target_length!))
    const hidden = tf.tidy(() => encode(pass, tf.tensor2d(sources.sourceIds, [size, sourceLength], 'int32')).hidden)
    outputs.hidden.push([...(await hidden.data())])
    hidden.dispose()
  }
  dispose()
  disposeModel(model)
  vector.dispose()
  backbone.files.close()
  return outputs
}

/** Rows of `output_ids` without what follows </s>, which is 1. */
export const untilEnd = (rows: number[][]): number[][] =>
  rows.map((row) => (row.includes(1) ? row.slice(0, row.indexOf(1)) : row))

interface SavedModels {
  loadSavedModelMetaGraph(path: string, tags: string): number
  runSavedModel(id: number, inputs: tf.Tensor[], names: { name: string }[], outputs: string[]): tf.Tensor[]
  deleteSavedModel(id: number): void
}

/** What a SavedModel gives where TensorFlow's own loader opens it, the one that TensorFlow Serving uses. */
export function servedOutputs(folder: string, batches: Batch[]): Outputs & { outputIds: number[][][] } {
  const backend = tf.backend() as NodeBackend & SavedModels
  const id = backend.loadSavedModelMetaGraph(folder, 'serve')
  const run = (rows: Batch, output: string) =>
    tf.tidy(() => {
      const ids = tf.tensor2d(rows.flat(), [rows.length, rows[0]!.length], 'int32')
      return backend.runSavedModel(id, [ids], [{ name: 'source_ids:0' }], [`${output}:0`])[0]!.arraySync()
    })
  const outputIds = batches.map((rows) => run(rows, 'output_ids') as number[][])
  const hidden = batches.map((rows) => (run(rows, 'hidden_states') as number[][][]).flat(2))
  backend.deleteSavedModel(id)
  return { outputIds, tokens: outputIds.map(untilEnd), hidden }
}
