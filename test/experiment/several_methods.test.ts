import { describe, expect, test } from 'vitest'
import { loadExperiment, readExperiment } from '../../src/experiment/load/load.js'
import { methodName } from '../../src/experiment/method_name.js'
import { refuseSameTensors } from '../../src/experiment/same_tensors.js'
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
  expect(methodName(method)).toBe('lora (targets = [q]) + compacter++')
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
      'DIR/trial.yaml:4:5: method.0 has no key tragets. Did you mean targets?',
    ],
    [
      'an option that does not fit',
      several.replace('[q]', '[q, qq]'),
      'DIR/trial.yaml:4:5: method.0.targets names "qq"; the backbone has no product of that name. Its products: q, k, v, o, wi, wo, lm_head.',
    ],
    [
      'an unknown preset',
      several.replace('preset: compacter', 'preset: compactor'),
      'DIR/trial.yaml:5:5: method.1 is "compactor"; there is no such preset. Did you mean compacter?',
    ],
    [
      'an unknown preset in a list of one',
      several.replace(/method:.*feed_forward\] }\n/s, 'method: [compactor]\n'),
      'DIR/trial.yaml:2:10: method is "compactor"; there is no such preset. Did you mean compacter?',
    ],
    [
      'a method that moves all weights',
      several.replace('- preset: lora\n    targets: [q]', '- kind: full'),
      'DIR/trial.yaml:3:5: method.0.kind is "full"; it must be one of adapter, compacter, bitfit, prompt_tuning,',
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

  const list = (names: string) => several.replace(/method:.*feed_forward\] }\n/s, `method: [${names}]\n`)

  test.each([
    [
      'a preset that changes all of the backbone',
      list('lora, full').replace(/, learning_rate: \S+/, ''),
      'DIR/trial.yaml:2:16: method.1 is "full", which changes all of the backbone: it cannot be one of several. Train it alone.',
    ],
    [
      'a preset of several',
      list('mam, lora'),
      'DIR/trial.yaml:2:10: method.0 is "mam", which is several methods itself: it cannot be one of several. Write its methods in the list instead.',
    ],
  ])('%s', (_, text, message) => expect(complaint(text)).toBe(message))
})

test('two methods with tensors of one name are told at the second', () => {
  const words =
    'method.1 and method.2 both have a tensor encoder.0.attention.q.lora_a. Give them other places: targets, sublayers or layers; or keep one of the two.'
  const refused = (...sets: string[]) => {
    const path = file(several.replace(/method:.*feed_forward\] }\n/s, 'method: [ia3, lora, lora]\n'))
    const { experiment, config, locate } = readExperiment(path, sets)
    return () => refuseSameTensors(experiment.method, config!, locate)
  }
  expect(refused()).toThrow(`trial.yaml:2:21: ${words}`)
  expect(refused('method=[ia3, lora, lora]')).toThrow(`--set method=[ia3, lora, lora]: ${words}`)
  expect(refused('method.2.targets=[wo]')).not.toThrow()
})

describe('--set into a list is told by its own name', () => {
  test.each([
    ['method.methods.2.rank=3', 'there is no method.2. The list has method.0, method.1.'],
    ['method.2=bitfit', 'there is no method.2. The list has method.0, method.1.'],
    ['method.rank=8', 'method has no key rank. It is a list of methods: did you mean method.0.rank or method.1.rank?'],
    ['method.targets=[q]', 'method has no key targets. It is a list of methods: did you mean method.0.targets?'],
    ['method.lora.rank=4', 'method has no key lora. It is a list of methods: did you mean method.0?'],
    ['method.0.rnk=4', 'method.0 has no key rnk. Did you mean rank?'],
  ])('%s', (set, message) => expect(complaint(several, set)).toBe(`--set ${set}: ${message}`))

  test('where there is one method', () => {
    const one = several.replace(/method:.*feed_forward\] }\n/s, 'method: lora\n')
    expect(complaint(one, 'method.0.rank=4')).toBe(
      '--set method.0.rank=4: there is no method.0: method is the preset "lora", not a list.',
    )
  })

  test('where a preset is several', () => {
    expect(load(several, 'method=mam', 'method.0.length=10').method).toMatchObject({
      methods: [{ kind: 'prefix_tuning', length: 10, bottleneck: 800 }, { kind: 'adapter' }],
    })
    expect(complaint(several, 'method=mam', 'method.2.length=10')).toBe(
      '--set method.2.length=10: there is no method.2. The list has method.0, method.1.',
    )
  })

  test('by its number alone', () => {
    expect(load(several, 'method.0.rank=2', 'method.1=bitfit').method).toEqual(
      load(several, 'method.methods.0.rank=2', 'method.methods.1=bitfit').method,
    )
  })
})
