import { beforeAll, describe, expect, test } from 'vitest'
import { decode, encode, head, remember } from '../../src/backbone/forward.js'
import { normalArray } from '../../src/base/numbers/random.js'
import { presetNames } from '../../src/base/presets.js'
import { unflatten } from '../../src/engine/model/layout.js'
import { disposeModel, passOf, startVector } from '../../src/engine/model/model.js'
import { type MethodOptions, methodOptions } from '../../src/method/options.js'
import { noDropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { loadModelOf, openFixture } from '../support/oracle_case.js'
import { preset } from '../support/tiny_presets.js'

beforeAll(() => useEngine(engines[0]!))

const keysAndValues = { targets: ['k', 'v'] }
const methods: [string, MethodOptions][] = [
  ...presetNames('methods').map((name): [string, MethodOptions] => [name, preset(name).options]),
  ...['lora', 'dora', 'lokr', 'vera'].map((name): [string, MethodOptions] => {
    const { options } = preset(name)
    return [`${name} at keys and values`, methodOptions.parse({ ...options, ...keysAndValues })]
  }),
]

/** Those that change products with the matrices of keys or values: for them the order has to stay. */
const CHANGES_PRODUCTS = /^(bitfit|ia3|lora|dora|lokr|vera)/

describe('cross-attention that few queries ask, whose products are in another order', () => {
  test.each(methods)('gives the logits of keys and values with %s', (name, options) => {
    const model = loadModelOf('t5-tiny', options)
    const { read } = openFixture('t5-tiny')
    const noise = normalArray(model.layout.size, 7, 0.1)
    const vector = tf.tensor1d(startVector(model, read, 3).map((value, i) => value + noise[i]!))
    const logits = (queries: number) =>
      tf.tidy(() => {
        const pass = passOf(model, unflatten(model.layout, vector), noDropout)
        const ids = tf.tensor2d([13, 40, 7, 88, 21, 1, 9, 52, 33, 1, 0, 0], [2, 6], 'int32')
        const mask = tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [2, 6], 'int32')
        const memory = remember(pass, encode(pass, ids, mask), queries)
        const decoded = decode(pass, tf.tensor2d([0, 31], [2, 1], 'int32'), memory)
        const keyless = memory.layers.filter((layer) => 'encoded' in layer).length
        return { keyless, values: head(pass, decoded.hidden).dataSync() }
      })
    const [few, many] = [logits(1), logits(Number.POSITIVE_INFINITY)]
    expect(many.keyless).toBe(0)
    expect(few.keyless > 0).toBe(!CHANGES_PRODUCTS.test(name))
    expectClose(few.values, many.values, { name: 'logits', relative: 1e-5 })
    disposeModel(model)
    vector.dispose()
  })
})
