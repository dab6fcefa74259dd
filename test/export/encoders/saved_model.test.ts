import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { NodeBackend } from '../../../src/tensor/binding.js'
import tf from '../../../src/tensor/tf.cjs'
import { expectClose } from '../../support/close.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { makeByteLevel } from './byte_level.js'
import { type ExportCase, exportFolder } from './export_folder.js'
import { printedByReadmes } from './in_transformers.js'
import { ENCODERS, encoderLogits, makeEncoder, type Rows, rows } from './made_encoder.js'
import { predicted } from './predicted.js'

/** A Python with tensorflow and tokenizers; the test that needs one is left out without it. */
const python = process.env.COMPACTER_TENSORFLOW_PYTHON

const { inFolder, outOf, runOf, makeExports } = exportFolder('saved-model')

const COMPACTER = ['method=compacter', 'method.reduction_factor=3', 'method.n=4', 'method.rank=2']
const cases = [
  { name: 'compacter on bert', on: 'bert', sets: COMPACTER, task: 'labels' },
  { name: 'lora on roberta', on: 'roberta', sets: ['method=lora', 'method.alpha=2'], task: 'labels' },
  { name: 'prefix tuning', on: 'xlm-roberta', sets: ['method=prefix-tuning', 'method.bottleneck=7'], task: 'number' },
  { name: 'prompts', on: 'bert', sets: ['method=prompt-tuning-r'], task: 'labels' },
  { name: 'bitfit on distilbert', on: 'distilbert', sets: ['method=bitfit'], task: 'number' },
  { name: 'full of electra', on: 'electra', sets: ['method=full'], task: 'labels' },
  { name: 'intrinsic', on: 'bert', sets: ['method=intrinsic', 'method.dimension=300'], task: 'labels' },
  { name: 'compacter on deberta', on: 'deberta-v2', sets: COMPACTER, task: 'labels' },
  {
    name: 'prefixes on deberta',
    on: 'deberta-v2',
    sets: ['method=prefix-tuning', 'method.bottleneck=7'],
    task: 'tags',
  },
  { name: 'prompts on deberta', on: 'deberta-v2', sets: ['method=prompt-tuning-r'], task: 'number' },
  { name: 'lora on modernbert', on: 'modernbert', sets: ['method=lora', 'method.targets=["qkv"]'], task: 'labels' },
  {
    name: 'prefixes on modernbert',
    on: 'modernbert',
    sets: ['method=prefix-tuning', 'method.bottleneck=7'],
    task: 'tags',
  },
  { name: 'prompts on modernbert', on: 'modernbert', sets: ['method=prompt-tuning-r'], task: 'labels' },
  { name: 'modernbert of the first token', on: 'modernbert-cls', sets: COMPACTER, task: 'labels' },
  { name: 'tags', on: 'roberta', sets: COMPACTER, task: 'tags' },
  { name: 'choice', on: 'electra', sets: ['method=ia3'], task: 'choice' },
  { name: 'tags of bytes', on: 'bytes', sets: [...COMPACTER, 'training.source_length=24'], task: 'tags' },
] as ExportCase[]

/** One row of 60 tokens, a pair. */
const long: Rows = {
  ids: Int32Array.from({ length: 60 }, (_, i) => 4 + ((i * 37) % 900)),
  mask: new Int32Array(60).fill(1),
  types: Int32Array.from({ length: 60 }, (_, i) => Number(i > 40)),
  length: 60,
}

/** Rows of one token, which every distance is 0 for. */
const one = Int32Array.of(5, 6)
const single: Rows = { ids: one, mask: one.map(() => 1), types: one.map(() => 0), length: 1 }

interface SavedModels {
  loadSavedModelMetaGraph(path: string, tags: string): number
  runSavedModel(id: number, inputs: tf.Tensor[], names: { name: string }[], outputs: string[]): tf.Tensor[]
  deleteSavedModel(id: number): void
}

/** What the SavedModel's output of that name is, where TensorFlow's own loader opens it. */
function served(out: string, output: string, { ids, mask, types, length }: Rows, segments: boolean): Float32Array {
  const backend = tf.backend() as NodeBackend & SavedModels
  const id = backend.loadSavedModelMetaGraph(out, 'serve')
  const inputs = { input_ids: ids, attention_mask: mask, ...(segments && { token_type_ids: types }) }
  const values = tf.tidy(() => {
    const tensors = Object.values(inputs).map((each) => tf.tensor2d(each, [each.length / length, length], 'int32'))
    const names = Object.keys(inputs).map((name) => ({ name: `${name}:0` }))
    return backend.runSavedModel(id, tensors, names, [`${output}:0`])[0]!.dataSync() as Float32Array
  })
  backend.deleteSavedModel(id)
  return values
}

describe.skipIf(!hasEngine('tensorflow'))('a SavedModel of an encoder', () => {
  beforeAll(async () => {
    await useEngine('tensorflow')
    for (const type of ENCODERS) makeEncoder(inFolder(type), type)
    const config = readFileSync(join(makeEncoder(inFolder('modernbert-cls'), 'modernbert'), 'config.json'), 'utf8')
    const first = config.replace('"classifier_pooling": "mean"', '"classifier_pooling": "cls"')
    writeFileSync(inFolder('modernbert-cls', 'config.json'), first)
    makeByteLevel(makeEncoder(inFolder('bytes'), 'roberta'), 'RobertaTokenizer')
    await makeExports(cases)
  }, 300_000)

  test.each(cases)(
    'gives the logits of the run to 3e-5 for several batches and lengths: $name',
    async ({ name, on }) => {
      const segments = on === 'bert' || on === 'electra'
      for (const batch of [rows, long, single]) {
        const logits = served(outOf(name), 'logits', batch, segments)
        expectClose(logits, await encoderLogits(runOf(name), batch), { relative: 3e-5, name: `logits of ${name}` })
      }
    },
  )

  test('gives probabilities, which are the softmax of its logits', () => {
    const out = outOf('compacter on bert')
    const [logits, probabilities] = ['logits', 'probabilities'].map((name) => served(out, name, rows, true))
    const expected = tf.tidy(() => tf.softmax(tf.tensor2d(logits!, [4, 3])).dataSync())
    expectClose(probabilities!, expected, { relative: 1e-6, name: 'probabilities' })
  })

  test.skipIf(!python)('has a README whose Python tags words as predict does, O beyond the length', async () => {
    const tokens = 'Alba and Bo saw a ball by the lake and then they went home'.split(' ')
    const { prediction, probabilities } = await predicted(runOf('tags of bytes'), { tokens })
    const numbers = probabilities as (number | null)[]
    expect(numbers).toContain(null)
    const more = 'p = answers([words])["probabilities"].numpy().max(-1)[0].tolist()'
    const [there, line] = printedByReadmes([outOf('tags of bytes')], python, (code) => {
      const words = code.replace(/^words = .*$/m, `words = ${JSON.stringify(tokens)}`)
      return `${words}import json\n${more}\nprint(json.dumps([None if i is None else p[i] for i in firsts]))\n`
    })
    expect(there).toBe(`[${(prediction as string[]).map((tag) => `'${tag}'`).join(', ')}]`)
    const found: (number | null)[] = JSON.parse(line!)
    expect(found.map((value) => value === null)).toEqual(numbers.map((value) => value === null))
    const [read, expected] = [found, numbers].map((list) => list.filter((value) => value !== null))
    expectClose(read!, expected!, { relative: 3e-5, name: 'probabilities' })
  })

  test('has a README with its inputs, outputs and labels', () => {
    const readme = readFileSync(join(outOf('lora on roberta'), 'README.md'), 'utf8')
    expect(readme).toContain('| `serving_default` | `input_ids`, `attention_mask` int32 [batch, length] | ')
    expect(readme).toContain('`logits`, `probabilities` float32 [batch, 3] |')
    expect(readme).toContain('labels = ["negative","positive","both"]')
  })
})
