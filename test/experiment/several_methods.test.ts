import { describe, expect, test } from 'vitest'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { methodName } from '../../src/experiment/method_name.js'
import { complaint, file } from '../support/trial_experiment.js'

const several = `backbone: t5-nano
method:
  - preset: lora
    targets: [q]
  - preset: compacter
    placement: { sublayers: [feed_forward] }
task: rotten-tomatoes
training: { steps: 10, learning_rate: 2.0e-3 }
`
const load = (text: string, ...sets: string[]) => loadExperiment(file(text), sets)

test('a list of methods takes the presets and options of each', () => {
  const { method } = load(several)
  expect(method).toMatchObject({
    kind: 'union',
    methods: [
      { kind: 'lora', rank: 8, targets: ['q'] },
      { kind: 'compacter', n: 4, placement: { sublayers: ['feed_forward'], encoder_layers: 'all' } },
    ],
  })
  expect(methodName(method)).toBe('lora, targets = [q] + compacter++')
})

test('a list of names, and of one method', () => {
  const named = load(several, 'method=[lora, bitfit]')
  expect(named.method).toMatchObject({ kind: 'union', methods: [{ kind: 'lora', rank: 8 }, { kind: 'bitfit' }] })
  expect(load(several, 'method=[ia3]').method).toEqual(load(several, 'method=ia3').method)
})

test('--set reaches into the list', () => {
  const sets = ['method.methods.0.rank=2', 'method.methods.1=bitfit']
  expect(load(several, ...sets).method).toMatchObject({ methods: [{ rank: 2, targets: ['q'] }, { kind: 'bitfit' }] })
})

test('the rate is that of the presets, where they agree', () => {
  const without = several.replace(', learning_rate: 2.0e-3', '')
  expect(load(without, 'method=[lora, dora]', 'method.methods.1.targets=[wo]').training.learning_rate).toBe(1e-3)
  expect(complaint(without)).toBe(
    'DIR/trial.yaml:2:1: the presets of the methods have different learning rates: 0.001, 0.003. Set training.learning_rate.',
  )
})

describe('what is wrong in a list is told at its place', () => {
  test.each([
    [
      'a misspelt key',
      several.replace('targets', 'tragets'),
      'DIR/trial.yaml:4:5: method.methods.0 has no key tragets. Did you mean targets?',
    ],
    [
      'an option that does not fit',
      several.replace('[q]', '[q, qq]'),
      'DIR/trial.yaml:4:5: method.methods.0.targets names "qq"; the backbone has no product of that name. Its products: q, k, v, o, wi, wo, lm_head.',
    ],
    [
      'an unknown preset',
      several.replace('preset: compacter', 'preset: compactor'),
      'DIR/trial.yaml:5:5: method.methods.1 is "compactor"; there is no such preset. Did you mean compacter?',
    ],
    [
      'an unknown preset in a list of one',
      several.replace(/method:.*feed_forward\] }\n/s, 'method: [compactor]\n'),
      'DIR/trial.yaml:2:10: method is "compactor"; there is no such preset. Did you mean compacter?',
    ],
    [
      'a method that moves all weights',
      several.replace('- preset: lora\n    targets: [q]', '- kind: full'),
      'DIR/trial.yaml:3:5: method.methods.0.kind is "full"; it must be one of adapter, compacter, bitfit, prompt_tuning,',
    ],
    [
      'a union of one',
      several.replace(/method:.*feed_forward\] }\n/s, 'method: { kind: union, methods: [lora] }\n'),
      'DIR/trial.yaml:2:24: method.methods has 1; it must have at least 2.',
    ],
    [
      'no method',
      several.replace(/method:.*feed_forward\] }\n/s, 'method: []\n'),
      'DIR/trial.yaml:2:1: method.methods is empty.',
    ],
  ])('%s', (_, text, message) => {
    expect(complaint(text)).toContain(message)
  })

  test('an item that is not there', () => {
    expect(complaint(several, 'method.methods.2.rank=3')).toBe(
      '--set method.methods.2.rank=3: method.methods.2 is not a mapping of keys to values.',
    )
  })
})
