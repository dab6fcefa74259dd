// expected: test/oracle/layouts.py, folders that transformers 4.57 and 5.18 wrote, and the logits that 5.18 gives for
// them
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackbone } from '../../src/backbone/files/weights.js'
import { withDecoder } from '../../src/backbone/registry.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors, type WritableTensor, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { disposeModel, evaluationPass, loadModel, startVector } from '../../src/engine/model/model.js'
import tf from '../../src/tensor/tf.cjs'
import { batchLogits } from '../support/batch_logits.js'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { zeroPadded } from '../support/zero_padded.js'

const LAYOUTS = join(packageRoot, 'test/fixtures/layouts')
const expected = JSON.parse(readFileSync(join(LAYOUTS, 'logits.json'), 'utf8')) as {
  ids: number[][]
  labels: number[][]
  folders: Record<string, { own: boolean; logits: number[] }>
}
const names = Object.keys(expected.folders)
const flat = (rows: number[][]) => Int32Array.from(rows.flat())
const batch = zeroPadded({ source: flat(expected.ids), target: flat(expected.labels) }, 2)

const folder = mkdtempSync(join(tmpdir(), 'layouts-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Change {
  /** Keys of config.json; undefined leaves one out. */
  config?: object
  weights?: (tensors: Map<string, WritableTensor>) => void
}

/** A layout as a whole backbone's folder, changed. */
function copy(name: string, { config = {}, weights }: Change = {}): string {
  const target = join(folder, name)
  cpSync(join(LAYOUTS, name), target, { recursive: true })
  writeFileSync(join(target, 'tokenizer.json'), '{}')
  const json = JSON.parse(readFileSync(join(target, 'config.json'), 'utf8'))
  writeFileSync(join(target, 'config.json'), JSON.stringify({ ...json, ...config }))
  if (!weights) return target
  const file = openSafetensors(join(LAYOUTS, name, 'model.safetensors'))
  const tensors = new Map(
    [...file.entries.values()].map(({ name, shape }) => [name, { shape, data: file.read(name) } as WritableTensor]),
  )
  weights(tensors)
  writeSafetensors(join(target, 'model.safetensors'), tensors)
  return target
}

/** Logits of a folder on the engine that is set, and whether its head is its own. */
async function logitsOf(folder: string): Promise<{ own: boolean; logits: Float32Array }> {
  const { config, read, close } = openBackbone(folder)
  const model = loadModel(config, { kind: 'full' }, read, 0)
  const vector = tf.tensor1d(startVector(model, read, 0))
  const { pass, dispose } = evaluationPass(model, vector)
  const logits = tf.tidy(() => batchLogits(pass, batch))
  const values = (await logits.data()) as Float32Array
  dispose()
  disposeModel(model)
  tf.dispose([vector, logits])
  close()
  return { own: !withDecoder(config).tiedHead, logits: values }
}

test('there are heads of every kind, of both versions of transformers, and activations', () => {
  for (const model of ['v1.0', 'v1.1', 'mt5'])
    for (const head of ['own', 'tied'])
      expect(names).toEqual(expect.arrayContaining(['4', '4-resaved', '5'].map((by) => `${model}-${head}-${by}`)))
  expect(names).toEqual(expect.arrayContaining(['v1.0-own-scaled-5', 'v1.1-tied-unscaled-5', 'v1.1-gated-silu-5']))
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(names)('%s gives the logits that transformers 5 gives', async (name) => {
    const { own, logits } = await logitsOf(copy(name))
    expect(own).toBe(expected.folders[name]!.own)
    expectClose(logits, expected.folders[name]!.logits, { relative: 1e-4, name: 'logits' })
  })
})

describe('a head that transformers 4 and 5 would read in two ways is refused, and the remedy is right', () => {
  beforeAll(() => useEngine(engines[0]!))
  const without = (tensors: Map<string, WritableTensor>) => void tensors.delete('lm_head.weight')
  const complaint = (name: string, change: Change) => {
    const target = copy(name, change)
    try {
      openBackbone(target).close()
    } catch (error) {
      return `${error}`.replaceAll(target, 'FOLDER')
    }
    return 'opened'
  }
  const noHead =
    'UserError: FOLDER/config.json: tie_word_embeddings is false, but the weights have no lm_head.weight. Take config.json and weights from the same model. If its head is the embedding table, set tie_word_embeddings to true; and for a T5 (not an mT5) scale_decoder_outputs to false if it was trained as v1.1 is, to true if as v1.0.'
  const another =
    'UserError: FOLDER/config.json: says that the head is the embedding table, but the weights have another lm_head.weight: transformers 4 leaves it aside, transformers 5 takes it. If it is the head, add scale_decoder_outputs: false for a T5 v1.1, true if the output of the decoder was scaled in front of it. If it is left over, remove it from the weights.'
  const both =
    'UserError: FOLDER/config.json: tie_word_embeddings is false and scale_decoder_outputs true: transformers 4 does not scale the output of such a decoder, transformers 5 does. Set tie_word_embeddings to true (the weights tell whether the head is its own), and scale_decoder_outputs to what the model was trained with: true for a T5 v1.0, false for a v1.1.'
  const untied = { config: { tie_word_embeddings: false, scale_decoder_outputs: undefined } }

  test.each<[string, string, Change, string, Change]>([
    ['an own head is missing', 'v1.1-tied-unscaled-5', untied, noHead, {}],
    ['an own head is missing', 'v1.0-tied-5', untied, noHead, {}],
    ['an own head is missing', 'mt5-tied-5', untied, noHead, { config: { tie_word_embeddings: true } }],
    ['there is a head too many', 'v1.1-own-5', { config: { scale_decoder_outputs: undefined } }, another, {}],
    ['there is a head too many', 'v1.0-own-scaled-5', { config: { scale_decoder_outputs: undefined } }, another, {}],
    ['both keys contradict', 'v1.0-own-scaled-5', { config: { tie_word_embeddings: false } }, both, {}],
    [
      'both keys contradict',
      'v1.1-own-4',
      { config: { scale_decoder_outputs: true } },
      both,
      { config: { tie_word_embeddings: true, scale_decoder_outputs: false } },
    ],
  ])('%s: %s', async (_, name, wrong, message, right) => {
    expect(complaint(name, wrong)).toBe(message)
    const { logits } = await logitsOf(copy(name, right))
    expectClose(logits, expected.folders[name]!.logits, { relative: 1e-4, name: 'logits' })
  })

  test('a left-over head is ignored, and the tied one gives the logits', async () => {
    const left = { shape: [31, 10], data: new Float32Array(310).fill(0.1) }
    expect(complaint('v1.0-tied-4', { weights: (tensors) => void tensors.set('lm_head.weight', left) })).toBe(another)
    const { logits } = await logitsOf(copy('v1.0-tied-4', { weights: without }))
    expectClose(logits, expected.folders['v1.0-tied-4']!.logits, { relative: 1e-4, name: 'logits' })
  })

  test('a copy of the table is not a separate head, unless config.json says so', async () => {
    const twice = (tensors: Map<string, WritableTensor>) =>
      void tensors.set('lm_head.weight', tensors.get('shared.weight')!)
    const named = (tensors: Map<string, WritableTensor>) => {
      twice(tensors)
      tensors.delete('shared.weight')
    }
    for (const weights of [twice, named]) {
      const { own, logits } = await logitsOf(copy('v1.1-tied-unscaled-5', { weights }))
      expect(own).toBe(false)
      expectClose(logits, expected.folders['v1.1-tied-unscaled-5']!.logits, { relative: 1e-4, name: 'logits' })
    }
    const { own, logits } = await logitsOf(copy('v1.1-tied-unscaled-5', { weights: twice, ...untied }))
    expect(own).toBe(true)
    expectClose(logits, expected.folders['v1.1-tied-unscaled-5']!.logits, { relative: 1e-4, name: 'logits' })
  })
})
