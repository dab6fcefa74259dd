import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { contextual, headLogits } from '../../../src/backbone/forward.js'
import type { Pass } from '../../../src/backbone/pass.js'
import { backboneTensors, onlyEncoder, parseConfig, readsSegments } from '../../../src/backbone/registry.js'
import { normalArray } from '../../../src/base/numbers/random.js'
import { silent } from '../../../src/base/progress.js'
import { packageRoot } from '../../../src/base/root.js'
import { elements, type WritableTensor, writeSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { loadTrained } from '../../../src/engine/model/checkpoint.js'
import { disposeModel, evaluationPass } from '../../../src/engine/model/model.js'
import { prepareBackbone, prepareModel } from '../../../src/engine/prepare/prepare.js'
import { openTrainedRun } from '../../../src/run/trained_run.js'
import tf from '../../../src/tensor/tf.cjs'

export const ENCODERS = ['bert', 'roberta', 'xlm-roberta', 'electra', 'distilbert', 'modernbert'] as const
export type EncoderType = (typeof ENCODERS)[number]

/** Nobody reads its rows. */
const ROWS_FILE = join(packageRoot, 'configs/tasks/rotten-tomatoes/test.jsonl')

/** What makes a run of three labels, of a number, or of a choice. */
export const TASKS = {
  labels: ['task.labels.0=negative', 'task.labels.1=positive', 'task.labels.2=both', 'task.texts=["{text}"]'],
  number: ['task=glue/stsb', 'task.texts=["{sentence1}", "{sentence2}"]'],
  choice: [
    `task=${JSON.stringify({
      ...{
        kind: 'multiple_choice',
        name: 'choices',
        train: ROWS_FILE,
        validation: ROWS_FILE,
        test: ROWS_FILE,
      },
      ...{ prompt: '{question}', texts: ['{question}'], choices: ['one', 'two'] },
    })}`,
  ],
}

/**
 * An encoder of made-up weights with the dimensions of the tests' small one of that type, and the bundled BERT's
 * tokenizer; `pooler` says whether the weights have one, where a model of the type can.
 */
export function makeEncoder(folder: string, type: EncoderType, { pooler = true } = {}): string {
  mkdirSync(folder, { recursive: true })
  const own = JSON.parse(readFileSync(join(packageRoot, 'test/fixtures', `${type}-tiny`, 'config.json'), 'utf8'))
  const json = { ...own, vocab_size: 8002, pad_token_id: 0, max_position_embeddings: 160 }
  const tensors = [...backboneTensors(parseConfig(json, folder))].filter(([name]) => pooler || !name.includes('pooler'))
  const weights = tensors.map(([name, { shape, role }], i): [string, WritableTensor] => {
    const data = normalArray(elements(shape), 100 + i, role === 'table' || role === 'position' ? 0.7 : 0.2)
    return [name, { shape, data: role === 'norm' ? data.map((value) => 1 + value) : data }]
  })
  writeSafetensors(join(folder, 'model.safetensors'), weights, { format: 'pt' })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
  const nano = join(packageRoot, 'configs/backbones/bert-nano')
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(nano, name), join(folder, name))
  return folder
}

const [ROWS, LENGTH] = [4, 7]
/** Rows of ids, padded with 0; a pair's second text starts where types are 1. */
export const rows = {
  ids: Int32Array.from([
    ...[2, 40, 7, 88, 3, 51, 3],
    ...[2, 52, 33, 3, 0, 0, 0],
    ...[2, 9, 3, 77, 61, 3, 0],
    ...[2, 4000, 8001, 15, 22, 3, 0],
  ]),
  types: Int32Array.from([
    ...[0, 0, 0, 0, 0, 1, 1],
    ...[0, 0, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 1, 1, 1, 0],
    ...[0, 0, 0, 0, 0, 0, 0],
  ]),
  length: LENGTH,
}

/** The logits of a pass with a head, of those rows, row by row. */
export function logitsOfPass(pass: Pass): tf.Tensor2D {
  const { head } = onlyEncoder(pass.config)
  const int = (values: Int32Array) => tf.tensor2d(values, [ROWS, LENGTH], 'int32')
  const segments = readsSegments(pass.config) ? { segments: int(rows.types) } : {}
  const mask = int(rows.ids.map((id) => Number(id !== 0)))
  return headLogits(pass, contextual(pass, { ids: int(rows.ids), mask, ...segments }), head!)
}

/** The logits of a run or an exported safetensors folder, on the engine that is set. */
export async function encoderLogits(folder: string): Promise<Float32Array> {
  const { experiment, tensors } = openTrainedRun(folder)
  const backbone = await prepareBackbone(experiment, silent)
  const model = prepareModel(experiment, backbone, silent)
  const vector = tf.tensor1d(loadTrained(tensors, model))
  const { pass, dispose } = evaluationPass(model, vector)
  const logits = tf.tidy(() => logitsOfPass(pass))
  const values = (await logits.data()) as Float32Array
  dispose()
  disposeModel(model)
  tf.dispose([vector, logits])
  backbone.files.close()
  return values
}
