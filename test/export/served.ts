import { silent } from '../../src/base/progress.js'
import { loadTrained } from '../../src/engine/model/checkpoint.js'
import { encodeSources, generate, type Sources } from '../../src/engine/model/generate.js'
import { disposeModel, evaluationPass } from '../../src/engine/model/model.js'
import { prepareBackbone, prepareModel } from '../../src/engine/prepare/prepare.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import type { NodeBackend } from '../../src/tensor/binding.js'
import tf from '../../src/tensor/tf.cjs'

/** Token ids of each row, without padding. */
export type Rows = number[][]

/** Rows side by side, as a SavedModel takes them. */
export interface PaddedRows {
  source_ids: number[][]
  attention_mask: number[][]
}

/** Rows padded with that id, which they may hold as a token too. */
export function padded(rows: Rows, padId = 0): PaddedRows {
  const length = Math.max(...rows.map((row) => row.length))
  const pad = (row: number[], value: number) => Array.from({ length }, (_, i) => row[i] ?? value)
  return {
    source_ids: rows.map((row) => pad(row, padId)),
    attention_mask: rows.map((row) =>
      pad(
        row.map(() => 1),
        0,
      ),
    ),
  }
}

function sourcesOf(rows: Rows): Sources {
  const { source_ids, attention_mask } = padded(rows)
  const flat = (values: number[][]) => Int32Array.from(values.flat())
  const lengths = { source: source_ids[0]!.length }
  return { size: rows.length, lengths, inputs: { source: flat(source_ids), source_mask: flat(attention_mask) } }
}

/** For each batch, the rows of output ids without padding and </s>, and the encoder's hidden states, flat. */
export interface Outputs {
  tokens: number[][][]
  hidden: number[][]
}

/** What a run gives on our own engine. */
export async function outputsOf(folder: string, batches: Rows[]): Promise<Outputs> {
  const { experiment, tensors } = openTrainedRun(folder)
  const backbone = await prepareBackbone(experiment, silent)
  const model = prepareModel(experiment, backbone, silent)
  const vector = tf.tensor1d(loadTrained(tensors, model))
  const { pass, dispose } = evaluationPass(model, vector)
  const outputs: Outputs = { tokens: [], hidden: [] }
  for (const rows of batches) {
    const sources = sourcesOf(rows)
    outputs.tokens.push(await generate(pass, sources, experiment.training.target_length!))
    const hidden = tf.tidy(() => encodeSources(pass, sources).hidden)
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
export function servedOutputs(folder: string, batches: Rows[], padId?: number): Outputs & { outputIds: number[][][] } {
  const backend = tf.backend() as NodeBackend & SavedModels
  const id = backend.loadSavedModelMetaGraph(folder, 'serve')
  const run = (rows: Rows, output: string) =>
    tf.tidy(() => {
      const inputs = Object.entries(padded(rows, padId))
      const tensors = inputs.map(([, values]) => tf.tensor2d(values, undefined, 'int32'))
      const names = inputs.map(([name]) => ({ name: `${name}:0` }))
      return backend.runSavedModel(id, tensors, names, [`${output}:0`])[0]!.arraySync()
    })
  const outputIds = batches.map((rows) => run(rows, 'output_ids') as number[][])
  const hidden = batches.map((rows) => (run(rows, 'hidden_states') as number[][][]).flat(2))
  backend.deleteSavedModel(id)
  return { outputIds, tokens: outputIds.map(untilEnd), hidden }
}
