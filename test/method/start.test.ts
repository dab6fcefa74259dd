// expected: the formulas of torch.nn.init: xavier_uniform_, xavier_normal_, kaiming_uniform_(a=√5), normal_, uniform_
import { describe, expect, test } from 'vitest'
import { methodOptions } from '../../src/method/options.js'
import { methodOf } from '../../src/method/registry.js'
import { startValues } from '../../src/method/start.js'
import { oneLayer as config } from '../support/one_layer.js'

interface Drawn {
  shape: number[]
  mean: number
  std: number
  largest: number
  /** The share of values beyond two deviations, which is 0 of a uniform distribution and 4.55 % of a normal one. */
  tail: number
}

/** What many seeds draw for a tensor of the encoder's first adapter, or for one that is shared. */
function drawn(given: { kind: string; [option: string]: unknown }, name: string, enough = 60_000): Drawn {
  const options = methodOptions.parse({ reduction_factor: 4, ...given })
  const { parameters, constants } = methodOf(options)
  const all = [...parameters(options, config), ...(constants?.(options, config) ?? [])]
  const spec = all.find((each) => each.name === name || each.name === `encoder.0.attention.${name}`)!
  const values: number[] = []
  for (let seed = 0; values.length < enough; seed++)
    values.push(
      ...startValues(spec, seed, () => {
        throw new Error('no backbone')
      }),
    )
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return {
    shape: spec.shape,
    mean,
    std,
    largest,
    tail: values.filter((v) => Math.abs(v) > 2 * std).length / values.length,
  }
}

/** Of 60,000 numbers a deviation has a standard error of 0.3 %, a mean of 0.004 deviations. */
function expectMoments({ mean, std }: Drawn, expected: number) {
  expect(std / expected, `${std} for ${expected}`).toBeGreaterThan(0.98)
  expect(std / expected, `${std} for ${expected}`).toBeLessThan(1.02)
  expect(Math.abs(mean) / expected).toBeLessThan(0.03)
}

function expectNormal(found: Drawn, std: number) {
  expectMoments(found, std)
  expect(found.tail).toBeGreaterThan(0.04)
  expect(found.tail).toBeLessThan(0.051)
}

function expectUniform(found: Drawn, bound: number) {
  expectMoments(found, bound / Math.sqrt(3))
  expect(found.largest).toBeLessThanOrEqual(Math.fround(bound))
  expect(found.largest).toBeGreaterThan(0.999 * bound)
}

const xavierStd = (fanIn: number, fanOut: number) => Math.SQRT2 * Math.sqrt(2 / (fanIn + fanOut))
const xavierBound = (fanIn: number, fanOut: number) => Math.SQRT2 * Math.sqrt(6 / (fanIn + fanOut))

describe('an adapter of d 96 and bottleneck 24', () => {
  const dense = { kind: 'adapter' }
  const lowRank = { kind: 'adapter', factors: 'low_rank', rank: 2 }

  test('has the shapes [96, 24] and [24, 96], or factors of rank 2', () => {
    const shapes = (given: typeof dense, names: string[]) => names.map((name) => drawn(given, name, 1).shape)
    expect(shapes(dense, ['down.weight', 'up.weight'])).toEqual([
      [96, 24],
      [24, 96],
    ])
    expect(shapes(lowRank, ['down.s', 'down.t', 'up.s', 'up.t'])).toEqual([
      [96, 2],
      [2, 24],
      [24, 2],
      [2, 96],
    ])
  })

  test.each([
    ['auto', dense, 0.01],
    ['normal', { ...dense, start: 'normal', start_std: 0.3 }, 0.3],
    ['xavier_normal', { ...dense, start: 'xavier_normal' }, xavierStd(96, 24)],
  ])('starts normal where it is dense: %s', (_, given, std) => {
    for (const name of ['down.weight', 'up.weight']) expectNormal(drawn(given, name), std)
  })

  test('starts Xavier-uniform where that is asked for, and low-rank factors by themselves', () => {
    for (const name of ['down.weight', 'up.weight'])
      expectUniform(drawn({ ...dense, start: 'xavier_uniform' }, name), xavierBound(96, 24))
    for (const start of ['auto', 'xavier_uniform']) {
      expectUniform(drawn({ ...lowRank, start }, 'down.s'), xavierBound(96, 2))
      expectUniform(drawn({ ...lowRank, start }, 'up.s'), xavierBound(24, 2))
      expectUniform(drawn({ ...lowRank, start }, 'up.t'), xavierBound(2, 96))
    }
  })

  test('has factors that start normal', () => {
    expectNormal(drawn({ ...lowRank, start: 'xavier_normal' }, 'down.s'), xavierStd(96, 2))
    expectNormal(drawn({ ...lowRank, start: 'xavier_normal' }, 'down.t'), xavierStd(2, 24))
    expectNormal(drawn({ ...lowRank, start: 'normal' }, 'up.t'), 0.01)
  })

  test('starts as LoRA does: uniform by the rows, and zeros at the end', () => {
    const start = 'lora'
    expectUniform(drawn({ ...dense, start }, 'down.weight'), 1 / Math.sqrt(96))
    expect(drawn({ ...dense, start }, 'up.weight').largest).toBe(0)
    expectUniform(drawn({ ...lowRank, start }, 'down.s'), 1 / Math.sqrt(96))
    expectUniform(drawn({ ...lowRank, start }, 'down.t'), 1 / Math.sqrt(2))
    expectUniform(drawn({ ...lowRank, start }, 'up.s'), 1 / Math.sqrt(24))
    expect(drawn({ ...lowRank, start }, 'up.t').largest).toBe(0)
  })

  test('has biases that start at 0', () => expect(drawn(dense, 'down.bias', 24).largest).toBe(0))
})

describe('a compacter of n 4, d 96 and bottleneck 24', () => {
  const compacter = { kind: 'compacter', rank: 2 }
  const whole = { kind: 'compacter', factors: 'full' }

  test('has the shapes of the released code', () => {
    const shapes = (given: typeof whole, names: string[]) => names.map((name) => drawn(given, name, 1).shape)
    expect(shapes(whole, ['rule', 'down.b', 'up.b'])).toEqual([
      [4, 4, 4],
      [4, 24, 6],
      [4, 6, 24],
    ])
    const factors = { ...compacter, factors: 'low_rank', rule_factors: 'low_rank' }
    expect(shapes(factors, ['rule.left', 'rule.right', 'down.s', 'down.t'])).toEqual([
      [4, 4, 2],
      [4, 2, 4],
      [4, 24, 2],
      [4, 2, 6],
    ])
  })

  test('has blocks that start Xavier-uniform, -normal or normal, each matrix by itself', () => {
    expectUniform(drawn(compacter, 'down.s'), xavierBound(24, 2))
    expectUniform(drawn({ ...whole, start: 'xavier_uniform' }, 'up.b'), xavierBound(6, 24))
    expectNormal(drawn({ ...compacter, start: 'xavier_normal' }, 'down.t'), xavierStd(2, 6))
    expectNormal(drawn({ ...whole, start: 'xavier_normal' }, 'down.b'), xavierStd(24, 6))
    expectNormal(drawn({ ...compacter, start: 'normal' }, 'up.s'), 0.01)
    expectNormal(drawn({ ...whole, start: 'normal', start_std: 1e-4, blocks: 'shared' }, 'up.b'), 1e-4)
  })

  test.each([
    ['shared, auto', {}, 'rule', 1],
    ['shared, in a range', { rule_range: 0.2 }, 'rule', 0.2],
    ['not learnt', { learn_rule: false }, 'rule', 1],
    ['own, auto', { rule: 'own' }, 'up.rule', 0.01],
    ['own, in a range', { rule: 'own', rule_range: 2 }, 'down.rule', 2],
  ])('has a rule that starts uniform: %s', (_, given, name, range) => {
    expectUniform(drawn({ ...compacter, ...given, rule_start: 'uniform' }, name), range)
  })

  test.each([
    ['shared', {}, 'rule', 1e-4],
    ['own', { rule: 'own' }, 'down.rule', 0.01],
    ['of the deviation that is asked for', { rule_std: 0.3 }, 'rule', 0.3],
  ])('has a rule that starts normal: %s', (_, given, name, std) => {
    expectNormal(drawn({ ...compacter, ...given }, name), std)
  })
})
