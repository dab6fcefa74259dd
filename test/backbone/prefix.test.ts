import { beforeAll, describe, expect, test } from 'vitest'
import type { KeyValue } from '../../src/backbone/encoder_decoder.js'
import { decode, encode, head, remember } from '../../src/backbone/forward.js'
import { type Hooks, type Site, siteName } from '../../src/backbone/hooks.js'
import { type Pass, unnamed } from '../../src/backbone/pass.js'
import { backboneSites, backboneTensors } from '../../src/backbone/registry.js'
import { hashSeed, normalArray } from '../../src/base/numbers/random.js'
import { noDropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'
import { engines, useEngine } from '../support/engines.js'
import { openFixture } from '../support/oracle_case.js'

beforeAll(() => useEngine(engines[0]!))

const LENGTH = 5

describe.each(['t5-tiny', 't5-tiny-v1_1'])('a prefix in %s', (backbone) => {
  const { config, read } = openFixture(backbone)
  const shapes = backboneTensors(config)
  const attentions = backboneSites(config).filter(({ sublayer }) => sublayer !== 'feed_forward')
  const pass = (hooks: Hooks): Pass => {
    const weight = (name: string) => tf.tensor(read(name), shapes.get(name)!.shape)
    return { config, weight, hooks, dropout: noDropout, at: unnamed }
  }
  const random = (name: string) => {
    const shape: [number, number, number] = [LENGTH, config.heads, config.dKv]
    return tf.tensor3d(normalArray(LENGTH * config.heads * config.dKv, hashSeed(0, name), 0.7), shape)
  }
  /** Random prefixes at some attentions. */
  const prefixed = (chosen: (site: Site) => boolean) =>
    pass({
      prefix(site) {
        const side = (name: string) => random(`${siteName(site)} ${name}`)
        return chosen(site) ? { length: LENGTH, keys: () => side('keys'), values: () => side('values') } : undefined
      },
    })
  const ids = () => tf.tensor2d([13, 40, 7, 88, 21, 1, 9, 52, 33, 1, 0, 0], [2, 6], 'int32')
  const mask = () => tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [2, 6], 'int32')
  const target = [0, 31, 64, 0, 5, 12]
  const farthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((most, each) => Math.max(most, each), 0)

  const firstLogits = (pass: Pass, queries?: number) => {
    const encoded = encode(pass, ids(), mask())
    const memory = queries === undefined ? remember(pass, encoded) : remember(pass, encoded, queries)
    const decoded = decode(pass, tf.tensor2d([target[0]!, target[3]!], [2, 1], 'int32'), memory)
    return { memory, logits: head(pass, decoded.hidden).dataSync() }
  }

  test.each(attentions.map((site) => [siteName(site), site] as const))('has part in %s', (_, one) => {
    const only = prefixed((site) => siteName(site) === siteName(one))
    expect(farthest(firstLogits(only).logits, firstLogits(pass({})).logits)).toBeGreaterThan(1e-3)
  })

  test('has the same part in cross-attention that computes no keys, since few queries are asked', () => {
    const all = prefixed(() => true)
    const few = firstLogits(all, 1)
    expect(few.memory.layers.every((layer) => 'encoded' in layer)).toBe(true)
    expect(farthest(few.logits, firstLogits(all).logits)).toBeLessThan(1e-5)
  })

  test('is in front of some layers only, where only these have one', () => {
    const some = prefixed(({ layer }) => layer === 1)
    const few = firstLogits(some, 1)
    expect(farthest(few.logits, firstLogits(some).logits)).toBeLessThan(1e-5)
    expect(farthest(few.logits, firstLogits(prefixed(() => true)).logits)).toBeGreaterThan(0.01)
  })

  test('is seen at every step of decoding with cached keys and values, at the same positions as at once', () => {
    const all = prefixed(() => true)
    const memory = remember(all, encode(all, ids(), mask()))
    const whole = head(all, decode(all, tf.tensor2d(target, [2, 3], 'int32'), memory).hidden)
    const atOnce = tf.reshape(whole, [2, 3, -1])
    let past: KeyValue[] | undefined
    for (const step of [0, 1, 2]) {
      const next = tf.tensor2d([target[step]!, target[3 + step]!], [2, 1], 'int32')
      const decoded = past ? decode(all, next, memory, past) : decode(all, next, memory)
      past = decoded.past
      expect(past[0]!.keys.shape[2]).toBe(step + 1)
      const expected = tf.slice(atOnce, [0, step, 0], [2, 1, -1]).dataSync()
      expect(farthest(head(all, decoded.hidden).dataSync(), expected)).toBeLessThan(1e-4)
    }
  })
})
