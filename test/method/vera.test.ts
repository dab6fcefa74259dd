// expected: peft 0.21, whose projections are in the oracle's fixtures
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { methodOf } from '../../src/method/registry.js'
import { startValues } from '../../src/method/start.js'
import { engines, useEngine } from '../support/engines.js'
import { openCase, openFixture } from '../support/oracle_case.js'

beforeAll(() => useEngine(engines[0]!))

test.each([
  ['t5-tiny', 'vera'],
  ['t5-tiny', 'vera-head'],
  ['t5-tiny-v1_1', 'vera'],
  ['t5-tiny-v1_1', 'vera-head'],
])('on %s, case %s, both projections are those that peft draws, to the bit', (backbone, name) => {
  const { method, read } = openCase(backbone, name)
  const { config, read: ofBackbone } = openFixture(backbone)
  const specs = methodOf(method).constants!(method, config)
  expect(specs.map(({ name }) => name)).toEqual(['projection_a', 'projection_b'])
  for (const spec of specs) expect(startValues(spec, 42, ofBackbone)).toEqual(read(`fixed/${spec.name}`))
})

test('dropout takes what goes into A, and nothing of the backbone’s own product', async () => {
  const { method, read } = openCase('t5-tiny', 'vera')
  const { config } = openFixture('t5-tiny')
  const options = { ...method, dropout: 0.3 }
  const shapes = [...methodOf(options).parameters(options, config), ...methodOf(options).constants!(options, config)]
  const tensors = (name: string) => {
    const { shape, start } = shapes.find((spec) => spec.name === name)!
    return tf.tensor(read(`${start.kind === 'torch_uniform' ? 'fixed' : 'trained'}/${name}`), shape)
  }
  const product = methodOf(options).hooks(options, config, tensors).product!(
    'encoder.block.0.layer.0.SelfAttention.q.weight',
  )!
  const weight = () => tf.fill([30, config.dModel], 0.25) as tf.Tensor2D
  const times = (x: tf.Tensor2D): tf.Tensor2D => tf.matMul(x, weight(), false, true)
  const dropped: [string, number][] = []
  const x = tf.ones([2, config.dModel]) as tf.Tensor2D
  const y = product(x, {
    ...{ times, weight, bias: () => undefined },
    dropout(x, place, rate) {
      dropped.push([place, rate])
      return tf.zerosLike(x)
    },
  })
  expect(dropped).toEqual([['encoder.0.attention.q.vera', 0.3]])
  expect(await y.data()).toEqual(await times(x).data())
})
