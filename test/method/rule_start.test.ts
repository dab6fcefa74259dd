import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { earlierRuleStd } from '../../src/method/compacter/rule_start.js'
import type { ParameterSpec } from '../../src/method/method.js'
import { type CompacterOptions, compacterOptions } from '../../src/method/options.js'
import { methodOf } from '../../src/method/registry.js'
import { startValues } from '../../src/method/start.js'
import { engines, useEngine } from '../support/engines.js'
import { kronecker } from '../support/kronecker.js'
import { oneLayer as config } from '../support/one_layer.js'

const SEEDS = 600

const options = (given: Partial<CompacterOptions>): CompacterOptions =>
  compacterOptions.parse({ kind: 'compacter', n: 4, reduction_factor: 4, ...given })

/** Every tensor of a method as the seed draws it. */
function drawn(method: CompacterOptions, seed: number): (name: string) => tf.Tensor3D {
  const { parameters, constants } = methodOf(method)
  const all = [...parameters(method, config), ...(constants?.(method, config) ?? [])]
  const specs = new Map(all.map((spec): [string, ParameterSpec] => [spec.name, spec]))
  return (name) => {
    const spec = specs.get(name)!
    return tf.tensor(
      startValues(spec, seed, () => new Float32Array()),
      spec.shape as [number, number, number],
    )
  }
}

function ruleOf({ rule, rule_factors }: CompacterOptions, tensor: ReturnType<typeof drawn>, projection: string) {
  const name = rule === 'shared' ? 'rule' : `${projection}.rule`
  return rule_factors === 'full' ? tensor(name) : tf.matMul(tensor(`${name}.left`), tensor(`${name}.right`))
}

/** W of a projection, built as the paper writes it. */
function weightOf(method: CompacterOptions, tensor: ReturnType<typeof drawn>, projection: string): tf.Tensor {
  const B =
    method.factors === 'full'
      ? tensor(`${projection}.b`)
      : tf.matMul(tensor(`${projection}.s`), tensor(`${projection}.t`))
  return kronecker(ruleOf(method, tensor, projection) as tf.Tensor3D, B as tf.Tensor3D)
}

/** The deviation of all entries over many seeds: a shared rule has few, so that one draw tells little. */
function deviation(method: CompacterOptions, made: typeof weightOf, projection: string): number {
  const squares = Array.from({ length: SEEDS }, (_, seed) =>
    tf.tidy(() => tf.mean(tf.square(made(method, drawn(method, seed), projection))).dataSync()[0]!),
  )
  return Math.sqrt(squares.reduce((sum, square) => sum + square / SEEDS, 0))
}

/** To 5 %: four standard errors or more of the least certain case, a rule of two factors. */
const expectNear = (found: number, expected: number) => {
  expect(found / expected, `${found} for ${expected}`).toBeGreaterThan(0.95)
  expect(found / expected, `${found} for ${expected}`).toBeLessThan(1.05)
}

beforeAll(() => useEngine(engines[0]!))

describe.each(['encoder.0.attention.down', 'encoder.0.feed_forward.up'])('%s', (projection) => {
  test.each([
    ['as usual', {}],
    ['n 2, rank 3', { n: 2, rank: 3 }],
    ['n 12', { n: 12 }],
    ['whole blocks', { factors: 'full' }],
    ['a rule of factors', { rule_factors: 'low_rank' }],
    ['a rule of factors, n 3, rank 2', { n: 3, rank: 2, rule_factors: 'low_rank' }],
    ['normal blocks', { n: 2, rank: 3, start: 'normal', start_std: 0.2 }],
    ['whole Xavier-normal blocks', { factors: 'full', start: 'xavier_normal' }],
  ] as const)('behind a shared rule that is not learnt, W has the deviation 0.01: %s', (_, given) => {
    const method = options({ ...given, learn_rule: false })
    expectNear(deviation(method, weightOf, projection), 0.01)
  })

  test.each([
    ['shared', 'full', 1, true, 1e-4],
    ['shared', 'low_rank', 1, true, 1e-4],
    ['shared', 'low_rank', 3, true, 1e-4],
    ['own', 'full', 1, true, 0.01],
    ['own', 'low_rank', 2, true, 0.01],
    ['own', 'full', 1, false, 0.01],
    ['own', 'low_rank', 1, false, 0.01],
  ] as const)('a rule (%s, %s, rank %i, learnt: %s) has the deviation %f', (rule, rule_factors, rank, learnt, std) => {
    const method = options({ rule, rule_factors, rank, learn_rule: learnt })
    expectNear(deviation(method, ruleOf, projection), std)
  })

  test.each(['full', 'low_rank'] as const)('a rule (%s) has the deviation that rule_std says', (rule_factors) => {
    for (const learn_rule of [true, false]) {
      const method = options({ rule_factors, rank: 2, learn_rule, rule_std: 0.3 })
      expectNear(deviation(method, ruleOf, projection), 0.3)
    }
  })
})

test.each([
  ['shared', 1],
  ['own', 0.01],
] as const)('a uniform rule of two factors (%s) has the deviation of the range %f', (rule, range) => {
  const method = options({ rule, rule_start: 'uniform', rule_factors: 'low_rank', rank: 2 })
  expectNear(deviation(method, ruleOf, 'encoder.0.attention.down'), range / Math.sqrt(3))
})

describe('a run from before rule_std', () => {
  /** As that version drew it: N(0, 1e-4) or, of its own, N(0, 0.01), each of two factors too. */
  const before = (spec: ParameterSpec, rule: 'shared' | 'own') =>
    startValues({ ...spec, start: { kind: 'normal', std: rule === 'shared' ? 1e-4 : 0.01 } }, 42, () => {
      throw new Error('no backbone')
    })

  test.each(['shared', 'own'] as const)('has the very rule that it was made with: %s', (rule) => {
    for (let rank = 1; rank <= 40; rank++) {
      for (const rule_factors of ['full', 'low_rank'] as const) {
        const stored = options({ rule, rule_factors, rank, learn_rule: false })
        const method = { ...stored, rule_std: earlierRuleStd(stored) }
        for (const spec of methodOf(method).constants!(method, config).slice(0, 2))
          expect(
            startValues(spec, 42, () => new Float32Array()),
            spec.name,
          ).toEqual(before(spec, rule))
      }
    }
  })

  test('differs from a new one only where that starts differently', () => {
    expect(earlierRuleStd(options({}))).toBe('auto')
    expect(earlierRuleStd(options({ rule: 'own', learn_rule: false }))).toBe('auto')
    expect(earlierRuleStd(options({ learn_rule: false }))).toBe(1e-4)
    expect(earlierRuleStd(options({ rule_factors: 'low_rank' }))).toBe(1e-8)
  })
})
