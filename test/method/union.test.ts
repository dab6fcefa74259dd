import { beforeAll, describe, expect, test } from 'vitest'
import { backboneShapes } from '../../src/backbone/registry.js'
import { normalArray } from '../../src/base/numbers/random.js'
import { unflatten } from '../../src/engine/model/layout.js'
import { disposeModel, mergedWeights, passOf } from '../../src/engine/model/model.js'
import { methodOptions } from '../../src/method/options.js'
import { methodOf } from '../../src/method/registry.js'
import { noDropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'
import { batchLogits } from '../support/batch_logits.js'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { loadModelOf, openCase, openFixture } from '../support/oracle_case.js'

beforeAll(() => useEngine(engines[0]!))

const union = (...methods: object[]) => methodOptions.parse({ kind: 'union', methods })
const lora = { kind: 'lora', rank: 2, alpha: 3, targets: ['q', 'wo'] }
const dora = { ...lora, magnitudes: true }
const ia3 = { kind: 'ia3', targets: ['q', 'k', 'wo'], scaled_inputs: ['wo'] }
const vera = { kind: 'vera', rank: 3, targets: ['q', 'wo'] }
const lokr = { kind: 'lokr', rank: 2, alpha: 3, targets: ['q', 'wo'] }

describe.each(['t5-tiny', 't5-tiny-v1_1'])('several methods on %s', (backbone) => {
  const { config } = openFixture(backbone)
  const { batch } = openCase(backbone, 'lora')

  test.each([
    ['lora, then ia3', [lora, ia3]],
    ['ia3, then lora', [ia3, lora]],
    ['ia3, then dora', [ia3, dora]],
    ['dora, lokr, ia3', [dora, lokr, ia3]],
    ['vera, then ia3', [vera, ia3]],
    ['ia3, then vera', [ia3, vera]],
  ])('at the same products, %s, enter in that order, and are merged in it', async (_, methods) => {
    const model = loadModelOf(backbone, union(...methods))
    const vector = tf.tensor1d(normalArray(model.layout.size, 5, 0.3).map((value) => value + 0.2))
    const own = batchLogits(passOf(model, unflatten(model.layout, vector), noDropout), batch).dataSync()

    const merged = mergedWeights(model, vector)
    const weights = new Map<string, tf.Tensor>()
    for (const [name, shape] of backboneShapes(config)) weights.set(name, tf.tensor(await merged.values(name), shape))
    const bare = { ...passOf(model, [], noDropout), hooks: {}, weight: (name: string) => weights.get(name)! }
    expectClose(own, batchLogits(bare, batch).dataSync(), { name: 'logits', relative: 1e-5 })

    const others = loadModelOf(backbone, union(...methods.toReversed()))
    const moved = others.layout.specs.flatMap(({ name }) => {
      const at = model.layout.specs.findIndex((spec) => spec.name === name)
      return [unflatten(model.layout, vector)[at]!]
    })
    const reversed = batchLogits(passOf(others, moved, noDropout), batch).dataSync()
    expect(Math.max(...own.map((value, i) => Math.abs(value - reversed[i]!)))).toBeGreaterThan(1e-4)
    disposeModel(model)
    disposeModel(others)
  })

  test('that both train the layer norms hold each of them once', () => {
    const norms = { kind: 'layer_norm_tuning' }
    const options = union(norms, { ...lora, train_layer_norms: true })
    const names = methodOf(options)
      .parameters(options, config)
      .map(({ name }) => name)
    expect(names.length).toBe(new Set(names).size)
    expect(names.filter((name) => name.endsWith('layer_norm.weight')).length).toBeGreaterThan(5)
    expect(names).toContain('encoder.0.attention.q.lora_a')
  })

  test.each([
    ['lora twice at one product', [lora, { ...lora, targets: ['q'] }], 'encoder.0.attention.q.lora_a'],
    [
      'two prompts',
      [
        { kind: 'prompt_tuning', length: 2 },
        { kind: 'prompt_tuning', length: 3 },
      ],
      'prompt',
    ],
    [
      'two adapters at one site',
      [
        { kind: 'adapter', reduction_factor: 6 },
        { kind: 'compacter', reduction_factor: 6 },
      ],
      'encoder.0.attention.down.bias',
    ],
  ])('are refused where two tensors would have one name: %s', (_, methods, name) => {
    const options = union(...methods)
    expect(() => methodOf(options).parameters(options, config)).toThrow(
      `method.0 and method.1 both have a tensor ${name}. Give them other places: targets, sublayers or layers; or keep one of the two.`,
    )
  })

  const compacterAt = (sublayer: string, learn_rule: boolean) => ({
    ...{ kind: 'compacter', reduction_factor: 6, train_layer_norms: false, learn_rule },
    placement: { sublayers: [sublayer] },
  })

  test.each([
    ['vera twice', [vera, { ...vera, rank: 2, targets: ['o'] }], 'projection_a'],
    ['a rule that one trains', [compacterAt('attention', true), compacterAt('feed_forward', false)], 'rule'],
    ['a rule that the other trains', [compacterAt('attention', false), compacterAt('feed_forward', true)], 'rule'],
  ])('are refused where one of two with one name is not trained: %s', (_, methods, name) => {
    const options = union(...methods)
    expect(() => methodOf(options).constants!(options, config)).toThrow(
      `method.0 and method.1 both have a tensor ${name}. `,
    )
  })
})
