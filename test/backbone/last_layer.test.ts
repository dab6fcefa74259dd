import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Head } from '../../src/backbone/family.js'
import { contextual } from '../../src/backbone/forward.js'
import type { ProductOf } from '../../src/backbone/hooks.js'
import { parseConfig, withHead } from '../../src/backbone/registry.js'
import { packageRoot } from '../../src/base/root.js'
import { unflatten } from '../../src/engine/model/layout.js'
import { disposeModel, loadModel, passOf, startVector } from '../../src/engine/model/model.js'
import { randomWeights } from '../../src/measure/random_weights.js'
import { noDropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { preset } from '../support/tiny_presets.js'

const [TEXT, TOKENS]: Head[] = [
  { kind: 'sequence', labels: 3 },
  { kind: 'tokens', labels: 3 },
]
const [BATCH, LENGTH, D] = [2, 5, 24]
/** ModernBERT's, so that the last one sees but the nearest of the ten tokens. */
const LAYERS = ['full_attention', 'full_attention', 'sliding_attention']

/** What leaves the last layer for a head, with a prompt of 5 vectors. */
function hiddenFor(type: string, head: Head, onProduct?: (name: string, rows: number) => void): tf.Tensor2D {
  const [name, pooling] = type.split(' of ')
  const file = join(packageRoot, `test/fixtures/${name}-tiny/config.json`)
  const json = JSON.parse(readFileSync(file, 'utf8'))
  const config = withHead(
    parseConfig({ ...json, ...(pooling && { classifier_pooling: pooling, layer_types: LAYERS }) }, file),
    head,
  )
  const read = randomWeights(config, 7)
  const model = loadModel(config, preset('prompt-tuning-r', { length: 5 }).options, read, 7)
  const hidden = tf.tidy(() => {
    const pass = passOf(model, unflatten(model.layout, tf.tensor1d(startVector(model, read, 7))), noDropout)
    const product = (name: string) => (x: tf.Tensor2D, of: ProductOf) => {
      onProduct?.(name, x.shape[0])
      return of.times(x)
    }
    const ids = tf.tensor2d([8, 9, 10, 11, 12, 13, 14, 15, 16, 17], [BATCH, LENGTH], 'int32')
    const mask = tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [BATCH, LENGTH], 'int32')
    return contextual({ ...pass, hooks: { ...pass.hooks, product } }, { ids, mask }, head).hidden
  })
  disposeModel(model)
  return hidden
}

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(['bert', 'roberta', 'distilbert', 'electra', 'deberta-v2', 'modernbert of cls'])(
    'the last layer of %s gives a head of a text the first tokens alone, as they are among all',
    async (type) => {
      const [first, all] = [hiddenFor(type, TEXT!), hiddenFor(type, TOKENS!)]
      expect([first.shape, all.shape]).toEqual([
        [BATCH, D],
        [BATCH * (5 + LENGTH), D],
      ])
      const among = tf.tidy(() => tf.gather(all, [0, 5 + LENGTH]))
      expectClose(await first.data(), await among.data(), { relative: 1e-5, name: 'first tokens' })
      tf.dispose([first, all, among])
    },
  )

  test.each([
    ['bert', 'bert.encoder.layer.2', ['attention.self.key', 'attention.self.value']],
    ['roberta', 'roberta.encoder.layer.2', ['attention.self.key', 'attention.self.value']],
    ['distilbert', 'distilbert.transformer.layer.2', ['attention.k_lin', 'attention.v_lin']],
    ['deberta-v2', 'deberta.encoder.layer.2', ['attention.self.key_proj', 'attention.self.value_proj']],
    // one product makes queries, keys and values
    ['modernbert of cls', 'model.layers.2', ['attn.Wqkv']],
  ])('the last layer of %s multiplies no other token by more than the matrices of keys and values', (type, at, all) => {
    const rows = new Map<string, Set<number>>()
    const noted = (name: string, count: number) => rows.set(name, (rows.get(name) ?? new Set()).add(count))
    hiddenFor(type, TEXT!, noted).dispose()
    const last = [...rows].filter(([name]) => name.startsWith(`${at}.`))
    expect(last.length).toBeGreaterThan(all.length + 2)
    const ofAll = last.filter(([, counts]) => counts.has(BATCH * (5 + LENGTH))).map(([name]) => name)
    expect(ofAll.sort()).toEqual(all.map((name) => `${at}.${name}.weight`))
    // DeBERTa's keys and queries of distances are of a row's length
    for (const [, counts] of last)
      expect([BATCH, BATCH * (5 + LENGTH), 5 + LENGTH]).toEqual(expect.arrayContaining([...counts]))
  })

  test('the last layer of modernbert gives a head that reads the mean all tokens', () => {
    const hidden = hiddenFor('modernbert of mean', TEXT!)
    expect(hidden.shape).toEqual([BATCH * (5 + LENGTH), D])
    hidden.dispose()
  })
})
