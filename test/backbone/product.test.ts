import { beforeAll, describe, expect, test } from 'vitest'
import { decode, encode, head, remember } from '../../src/backbone/forward.js'
import type { Hooks, Product } from '../../src/backbone/hooks.js'
import { type Pass, unnamed } from '../../src/backbone/pass.js'
import { backboneTensors, familyOf, headTensor } from '../../src/backbone/registry.js'
import { hashSeed, normalArray } from '../../src/base/numbers/random.js'
import { noDropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'
import { engines, useEngine } from '../support/engines.js'
import { openFixture } from '../support/oracle_case.js'

beforeAll(() => useEngine(engines[0]!))

const RANK = 2

describe.each(['t5-tiny', 't5-tiny-v1_1'])('a method that changes products of %s', (backbone) => {
  const { config, read } = openFixture(backbone)
  const tensors = backboneTensors(config)
  const headName = familyOf(config).head!
  const products = [...tensors].filter(([, { role }]) => role === 'product').map(([name]) => name)
  const matrixOf = (name: string) => (name === headName ? headTensor(config)! : name)
  const frozen = (name: string) => tf.tensor(read(name), tensors.get(name)!.shape)
  const random = (name: string, shape: [number, number]) =>
    tf.tensor2d(normalArray(shape[0] * shape[1], hashSeed(0, name), 0.2), shape)

  /** x ↦ x·Wᵀ + (x·aᵀ)·bᵀ, as LoRA has it, or W + b·a for the same name. */
  const factors = (name: string) => {
    const [outputs, inputs] = tensors.get(matrixOf(name))!.shape as [number, number]
    return { a: random(`${name} a`, [RANK, inputs]), b: random(`${name} b`, [outputs, RANK]) }
  }
  const added = (name: string): Product => {
    const { a, b } = factors(name)
    return (x, { times }) => tf.add(times(x), tf.matMul(tf.matMul(x, a, false, true), b, false, true))
  }
  const merged = (name: string) => {
    const { a, b } = factors(name)
    return tf.add(frozen(matrixOf(name)), tf.matMul(b, a))
  }

  const pass = (hooks: Hooks): Pass => ({ config, weight: frozen, hooks, dropout: noDropout, at: unnamed })
  const ids = () => tf.tensor2d([13, 40, 7, 88, 21, 1, 9, 52, 33, 1, 0, 0], [2, 6], 'int32')
  const mask = () => tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [2, 6], 'int32')
  const target = () => tf.tensor2d([0, 31], [2, 1], 'int32')
  const logits = (pass: Pass, queries?: number) => {
    const encoded = encode(pass, ids(), mask())
    const memory = queries === undefined ? remember(pass, encoded) : remember(pass, encoded, queries)
    return { memory, logits: head(pass, decode(pass, target(), memory).hidden).dataSync() }
  }
  const farthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((most, each) => Math.max(most, each), 0)

  test('has part in every product, as a change of the weights would have', () => {
    const asked = new Set<string>()
    const product = (name: string) => {
      asked.add(name)
      return products.includes(name) ? added(name) : undefined
    }
    const weight = (name: string, tensor: tf.Tensor) => (products.includes(name) ? merged(name) : tensor)
    const weights: Pass = { ...pass({}), weight: (name) => weight(name, frozen(name)) }
    const expected = logits(weights).logits
    expect(farthest(logits(pass({})).logits, expected)).toBeGreaterThan(0.1)
    for (const queries of [undefined, 1]) {
      expect(farthest(logits(pass({ product }), queries).logits, expected)).toBeLessThan(1e-4)
    }
    expect(asked).toEqual(new Set([...products, headName]))
  })

  test('has part in the head, which may be the embedding table', () => {
    const product = (name: string) => (name === headName ? added(name) : undefined)
    const hidden = tf.tensor2d(normalArray(3 * config.dModel, hashSeed(1, 'hidden'), 1), [3, config.dModel])
    const weights: Pass = { ...pass({}), weight: () => merged(headName) }
    const [ours, expected, without] = [pass({ product }), weights, pass({})].map((pass) =>
      head(pass, hidden).dataSync(),
    )
    expect(farthest(ours!, expected!)).toBeLessThan(1e-4)
    expect(farthest(ours!, without!)).toBeGreaterThan(0.01)
  })

  test.each(['k', 'v'])('of cross-attention has part in its %s, though few queries are asked', (side) => {
    const name = `decoder.block.0.layer.1.EncDecAttention.${side}.weight`
    const product = (asked: string) => (asked === name ? added(name) : undefined)
    const few = logits(pass({ product }), 1)
    const others = Array.from({ length: config.decoderLayers - 1 }, () => false)
    expect(few.memory.layers.map((layer) => 'keys' in layer)).toEqual([true, ...others])
    expect(farthest(few.logits, logits(pass({ product })).logits)).toBeLessThan(1e-5)
    expect(farthest(few.logits, logits(pass({}), 1).logits)).toBeGreaterThan(1e-4)
  })
})
