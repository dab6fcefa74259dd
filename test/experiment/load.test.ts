import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { experimentNames, presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'
import { experimentYaml, loadExperiment, readExperiment } from '../../src/experiment/load/load.js'
import { complaint, file, folder, good } from '../support/trial_experiment.js'

describe('loading', () => {
  test('puts file over preset, --set over file, and defaults under all', () => {
    const text = good.replace(
      'method: compacter',
      'method: { preset: compacter++, n: 2, placement: { encoder_layers: 1-2 } }',
    )
    const { method, training } = loadExperiment(file(text), ['method.rank=3', 'training.seed=7'])
    expect(method).toEqual({
      kind: 'compacter',
      n: 2,
      rank: 3,
      reduction_factor: 32,
      nonlinearity: 'gelu_new',
      rule: 'shared',
      rule_factors: 'full',
      rule_std: 'auto',
      learn_rule: true,
      factors: 'low_rank',
      blocks: 'own',
      rule_start: 'normal',
      rule_range: 'auto',
      start: 'xavier_uniform',
      start_std: 0.01,
      arrangement: 'sequential',
      scale: 1,
      layer_norm: 'none',
      placement: { sublayers: ['feed_forward'], encoder_layers: '1-2', decoder_layers: 'all' },
      train_layer_norms: true,
      train_lm_head: false,
    })
    expect(training).toMatchObject({ steps: 10, seed: 7, batch_size: 100, warmup_steps: 500 })
  })

  test("takes a method preset's learning rate unless the experiment has one", () => {
    const rate = (...overrides: string[]) => loadExperiment(file(good), overrides).training.learning_rate
    expect([rate(), rate('method=adapter'), rate('method.preset=bitfit'), rate('training.learning_rate=1')]).toEqual([
      3e-3, 3e-4, 3e-4, 1,
    ])
  })

  test('reads --set values as YAML, with = in them, and null as absent', () => {
    const { task, training } = loadExperiment(file(good), [
      'task.prompt=a=b {text}',
      'task.labels={0: bad, 1: good}',
      'training.steps=null',
      'training.epochs=2',
    ])
    expect(task).toMatchObject({ prompt: 'a=b {text}', labels: { 0: 'bad', 1: 'good' } })
    expect(training).not.toHaveProperty('steps')
    expect(training.epochs).toBe(2)
  })

  test('starts relative paths from the file that holds them, or from the current folder for --set', () => {
    const text = good.replace(
      'rotten-tomatoes',
      '{ name: moods, prompt: "{sentence}", train: rows.csv, validation: rows.csv, test: rows.csv }',
    )
    expect(loadExperiment(file(text), ['task=rotten-tomatoes']).task).toEqual(loadExperiment('quickstart').task)
    const { task } = loadExperiment(file(text), ['task.test=package.json'])
    expect(task).toMatchObject({ train: join(folder, 'rows.csv'), test: join(process.cwd(), 'package.json') })
  })

  test('weight decay is for optimisers that have it', () => {
    const sets = ['training.weight_decay=0.01']
    expect(() => loadExperiment(file(good), sets)).toThrow(
      '--set training.weight_decay=0.01: training.weight_decay is 0.01, which the optimizer adam does not have. Set training.optimizer to adamw.',
    )
    for (const optimizer of ['adamw', 'adafactor'])
      expect(loadExperiment(file(good), [...sets, `training.optimizer=${optimizer}`]).training).toMatchObject({
        optimizer,
        weight_decay: 0.01,
      })
  })

  test('F1 needs a positive label that exists', () => {
    const sets = ['task.labels={a: bad, b: good}', 'task.metrics=[f1]']
    expect(() => loadExperiment(file(good), sets)).toThrow(
      'F1 is for the label "1", which task.labels does not name. Set task.positive to one of a, b.',
    )
    expect(loadExperiment(file(good), [...sets, 'task.positive=b']).task).toMatchObject({ positive: 'b' })
  })

  test('reads the files of a task preset from `path` where it is given', () => {
    for (const split of ['train', 'validation', 'test']) writeFileSync(join(folder, `${split}.jsonl`), '')
    const { task } = loadExperiment(file(good.replace('rotten-tomatoes', '{ preset: rotten-tomatoes, path: . }')))
    expect(task.train).toBe(join(folder, 'train.jsonl'))
    expect(complaint(good, 'task.path=src')).toContain(
      `--set task.path=src: task.train is "train.jsonl"; there is no file ${join(process.cwd(), 'src/train.jsonl')}.`,
    )
  })

  test('finds a backbone by preset, hub id or directory, and its dimensions where they are known', () => {
    const nano = join(packageRoot, 'configs/backbones/t5-nano')
    const loaded = ['t5-nano', nano, 'google-t5/t5-base', 'someone/some-t5'].map((name) =>
      readExperiment(file(good.replace('t5-nano', name))),
    )
    expect(loaded.map(({ experiment }) => experiment.backbone.name)).toEqual([
      't5-nano',
      nano,
      'google-t5/t5-base',
      'someone/some-t5',
    ])
    expect(loaded.map(({ config }) => config?.dModel)).toEqual([256, 256, 768, undefined])
  })

  test.each(experimentNames())('%s: what is shown is an experiment that means the same', (name) => {
    const experiment = loadExperiment(name)
    expect(loadExperiment(file(experimentYaml(experiment)))).toEqual(experiment)
  })

  test.each(presetNames('methods'))('the preset %s fits t5-base', (name) => {
    expect(loadExperiment(file(good), [`method=${name}`, 'backbone=t5-base']).training.learning_rate).toBeGreaterThan(0)
  })

  test.each(['experiments/quickstart.yaml', ...presetNames('methods').map((name) => `configs/methods/${name}.yaml`)])(
    '%s opens with what it is and the command that runs it',
    (path) => {
      const lines = readFileSync(join(packageRoot, path), 'utf8').split('\n')
      const [what, command] = lines.filter((line) => !line.startsWith('# yaml-language-server'))
      expect(what).toMatch(/^# [A-Z].*\.$/)
      expect(command).toMatch(/^# {3}compacter train experiments\//)
    },
  )
})

describe('a task whose keys do not go together', () => {
  const own = (keys: string) =>
    good.replace(
      'task: rotten-tomatoes',
      `task: { name: moods, train: rows.csv, validation: rows.csv, test: rows.csv, label: mood, ${keys} }`,
    )

  test('a prompt without a column', () => {
    expect(complaint(own("prompt: 'sentence: text'"))).toBe(
      'DIR/trial.yaml:3:90: task.prompt is "sentence: text", which names no column: every row would have the same source. Write {text} for the column text.',
    )
    expect(complaint(own("prompt: 'sentence: {}'"))).toContain('which names no column')
  })

  test('a prompt without a column, instead of a preset’s', () => {
    expect(complaint(good.replace('rotten-tomatoes', '{ preset: glue/rte, prompt: sentence }'))).toBe(
      'DIR/trial.yaml:3:27: task.prompt is "sentence", which names no column: every row would have the same source. Write {text} for the column text.',
    )
    expect(complaint(good.replace('rotten-tomatoes', 'glue/rte'), 'task.prompt=sentence1')).toBe(
      '--set task.prompt=sentence1: task.prompt is "sentence1", which names no column: every row would have the same source. Write {text} for the column text.',
    )
  })

  test('rows to hold out, with a split that holds none out', () => {
    expect(complaint(own("prompt: '{sentence}', held_out: 5"))).toBe(
      'DIR/trial.yaml:3:112: task.held_out is 5, but task.split is "given", which holds no rows out. Set task.split to held_out or both_held_out, or take the key out.',
    )
    expect(complaint(own("prompt: '{sentence}', held_out: 5, split: held_out"))).toBe('no error')
  })

  test('a seed of rows that are given', () => {
    expect(complaint(own("prompt: '{sentence}', split_seed: 7"))).toBe(
      'DIR/trial.yaml:3:112: task.split_seed is 7, but task.split is given: no rows are drawn. Set task.split to halves, held_out or both_held_out, or take the key out.',
    )
    expect(complaint(own("prompt: '{sentence}', split_seed: 7, split: halves"))).toBe('no error')
  })
})
