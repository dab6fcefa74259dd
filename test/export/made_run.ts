import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { locateBackbone } from '../../src/backbone/files/locate.js'
import { backboneShapes } from '../../src/backbone/registry.js'
import { parseT5Config } from '../../src/backbone/t5/config.js'
import type { StoredHead } from '../../src/backbone/t5/head.js'
import { normalArray } from '../../src/base/numbers/random.js'
import { silent } from '../../src/base/progress.js'
import { elements, type WritableTensor, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { loadTrained } from '../../src/engine/model/checkpoint.js'
import { named } from '../../src/engine/model/layout.js'
import { blueprintOf, disposeModel, evaluationPass, startVector } from '../../src/engine/model/model.js'
import { prepareBackbone, prepareModel } from '../../src/engine/prepare/prepare.js'
import { experimentYaml, loadExperiment } from '../../src/experiment/load/load.js'
import { storedPlaces } from '../../src/experiment/places.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import tf from '../../src/tensor/tf.cjs'
import { batchLogits } from '../support/batch_logits.js'
import { zeroPadded } from '../support/zero_padded.js'

/**
 * A run of the quickstart with that method, its tensors moved from their start by visible noise instead of training.
 */
export async function makeRun(folder: string, ...sets: string[]): Promise<string> {
  const experiment = loadExperiment('quickstart', sets)
  const backbone = await prepareBackbone(experiment, silent)
  const blueprint = blueprintOf(backbone.config, experiment.method)
  const start = startVector(blueprint, backbone.files.read, 42)
  const kind = experiment.method.kind
  const tensors = named(blueprint.layout, start)
  for (const [i, [, { data }]] of tensors.entries()) {
    const visible = kind === 'intrinsic' ? 0.5 : blueprint.layout.specs[i]!.start.kind === 'backbone' ? 0.05 : 0.4
    const noise = normalArray(data.length, 7 + i, visible)
    for (let at = 0; at < data.length; at++) data[at]! += noise[at]!
  }
  backbone.files.close()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'experiment.yaml'), experimentYaml(storedPlaces(experiment, folder)))
  writeSafetensors(join(folder, 'best.safetensors'), tensors)
  return folder
}

const V1_1 = {
  model_type: 't5',
  d_model: 24,
  d_kv: 10,
  d_ff: 40,
  num_layers: 3,
  num_decoder_layers: 2,
  num_heads: 3,
  relative_attention_num_buckets: 8,
  relative_attention_max_distance: 20,
  vocab_size: 8128,
  feed_forward_proj: 'gated-gelu',
  tie_word_embeddings: false,
  scale_decoder_outputs: false,
  decoder_start_token_id: 0,
}

/**
 * A T5 v1.1 (gated, with a head of its own) of made-up weights, with the tokenizer of the quickstart's backbone;
 * `config` and `tokenizer` are keys of config.json and tokenizer_config.json that are to be different, `head` is what
 * the weights have.
 */
export async function makeBackbone(
  folder: string,
  { config: changed = {}, tokenizer = {}, head }: { config?: object; tokenizer?: object; head?: StoredHead } = {},
): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const json = { ...V1_1, ...changed }
  const config = parseT5Config(json, folder, head)
  const weights = [...backboneShapes(config)].map(([name, shape], i): [string, WritableTensor] => {
    const data = normalArray(elements(shape), 100 + i, name.includes('shared') ? 1 : 0.2)
    return [name, { shape, data: name.includes('layer_norm') ? data.map((value) => 1 + value) : data }]
  })
  writeSafetensors(join(folder, 'model.safetensors'), weights, { format: 'pt' })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
  const nano = await locateBackbone('t5-nano')
  copyFileSync(join(nano, 'tokenizer.json'), join(folder, 'tokenizer.json'))
  const own = JSON.parse(readFileSync(join(nano, 'tokenizer_config.json'), 'utf8'))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...own, ...tokenizer }))
  return folder
}

/** Ids that all backbones of the tests have, the second row padded. */
export const batch = zeroPadded(
  {
    source: Int32Array.of(13, 40, 7, 88, 21, 1, 9, 52, 33, 1, 0, 0),
    target: Int32Array.of(31, 5, 60, 1, 17, 1, 0, 0),
  },
  2,
)

/**
 * The logits [2·4, vocabulary] of a run or an exported safetensors folder, on the engine that is set; `scale` is for
 * what the method trains beside tensors of the backbone.
 */
export async function logitsOf(folder: string, scale = 1): Promise<Float32Array> {
  const { experiment, tensors } = openTrainedRun(folder)
  const backbone = await prepareBackbone(experiment, silent)
  const model = prepareModel(experiment, backbone, silent)
  const trained = loadTrained(tensors, model)
  for (const [i, [, { data }]] of named(model.layout, trained).entries())
    if (model.layout.specs[i]!.start.kind !== 'backbone') for (let at = 0; at < data.length; at++) data[at]! *= scale
  const vector = tf.tensor1d(trained)
  const { pass, dispose } = evaluationPass(model, vector)
  const logits = tf.tidy(() => batchLogits(pass, batch))
  const values = (await logits.data()) as Float32Array
  dispose()
  disposeModel(model)
  tf.dispose([vector, logits])
  backbone.files.close()
  return values
}
