import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Format } from '../../src/base/choices.js'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { frontMatter } from '../../src/format/readme/front_matter.js'
import { readme } from '../../src/format/readme/readme.js'
import type { Card } from '../../src/run/card.js'
import type { Scores } from '../../src/run/directory.js'
import { python } from './in_pytorch.js'

const folder = mkdtempSync(join(tmpdir(), 'card-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A file of the user's. */
const own = join(folder, 'own.jsonl')
writeFileSync(own, '{"text": "x", "label": "0"}\n')

/** The card of an export in that format with these test scores, or of a run without a result. */
function cardOf(format: Format, test: Scores | undefined, ...sets: string[]): Card {
  const experiment = loadExperiment('quickstart', sets)
  return {
    format,
    compacter: '0.1.0',
    method: experiment.method,
    backbone: { name: experiment.backbone.name, sha256: 'ab'.repeat(32) },
    task: experiment.task.name,
    metrics: test ? { validation: test, test } : null,
    trained_parameters: 18368,
    experiment,
  }
}

const metadata = (card: Card) => {
  const [, text] = /^---\n(.*?\n)---\n\n$/s.exec(frontMatter(card))!
  return parse(text!)
}

const RTE = cardOf('peft', { accuracy: 61.87 }, 'method=lora', 'backbone=t5-base', 'task=glue/rte')
const STSB = cardOf('adapterhub', { pearson: 85.5, spearman: 84.25 }, 'backbone=t5-base', 'task=glue/stsb')
const HELD_OUT = cardOf('huggingface', { f1: 90, accuracy: 88 }, 'method=full', 'task=glue/mrpc', 'task.split=held_out')
const LOCAL = cardOf('safetensors', { accuracy: 60 })
const UNFINISHED = cardOf('saved-model', undefined)
const HOSTILE = cardOf('opendelta', { accuracy: 60 }, 'task.name="a: [b\\"\\n---\\nlicense: mit\\u001b"')

test('of a benchmark and a backbone of the hub all is named', () => {
  expect(metadata(RTE)).toEqual({
    language: 'en',
    library_name: 'peft',
    base_model: 'google-t5/t5-base',
    base_model_relation: 'adapter',
    tags: ['compacter', 'lora'],
    datasets: ['nyu-mll/glue'],
    metrics: ['accuracy'],
    'model-index': [
      {
        name: 'quickstart',
        results: [
          {
            task: { type: 'text-classification' },
            dataset: {
              name: 'glue/rte',
              type: 'nyu-mll/glue',
              config: 'rte',
              args: { split: 'test rows of task.split: halves' },
            },
            metrics: [{ name: 'accuracy', type: 'accuracy', value: 0.6187 }],
          },
        ],
      },
    ],
  })
})

test('metrics have the names and units of the hub, and the split is that which was scored', () => {
  const [stsb, heldOut] = [STSB, HELD_OUT].map((card) => metadata(card)['model-index'][0].results[0])
  expect(stsb.metrics).toEqual([
    { name: 'pearson', type: 'pearsonr', value: 0.855 },
    { name: 'spearman', type: 'spearmanr', value: 0.8425 },
  ])
  expect(heldOut.dataset).toEqual({ name: 'glue/mrpc', type: 'nyu-mll/glue', config: 'mrpc', split: 'validation' })
  const errors = cardOf('safetensors', { mae: 2.5 }, 'task=glue/stsb', 'task.metrics=[mae]')
  expect(metadata(errors)['model-index'][0].results[0].metrics).toEqual([{ name: 'mae', type: 'mae', value: 2.5 }])
})

test('what is not known is left out: a base model in a folder, data in files, scores, and any license', () => {
  expect(metadata(LOCAL)).toEqual({
    language: 'en',
    library_name: 'compacter',
    tags: ['compacter'],
    metrics: ['accuracy'],
    'model-index': [
      {
        name: 'quickstart',
        results: [
          {
            task: { type: 'text-classification' },
            dataset: { name: 'rotten-tomatoes', type: 'rotten-tomatoes', split: 'test' },
            metrics: [{ name: 'accuracy', type: 'accuracy', value: 0.6 }],
          },
        ],
      },
    ],
  })
  expect(metadata(UNFINISHED)).toEqual({ language: 'en', library_name: 'tensorflow', tags: ['compacter'] })
  expect(metadata(cardOf('safetensors', undefined, `task.train=${own}`))).not.toHaveProperty('language')
})

test('scores of the rows of a file are not said to be those of a preset', () => {
  const datasetWith = (...sets: string[]) =>
    metadata(cardOf('safetensors', { accuracy: 60 }, ...sets))['model-index'][0].results[0].dataset
  const named = (name: string) => ({ name, type: name, split: 'test' })
  expect(datasetWith(`task.test=${own}`)).toEqual(named('own.jsonl'))
  expect(datasetWith(`task.train=${own}`)).toEqual(named('rotten-tomatoes'))
  expect(datasetWith(`task.test=${own}`, 'task.name=mine')).toEqual(named('mine'))
  expect(datasetWith(`task.test=${own}`, 'task.split=halves')).toMatchObject({ name: 'rotten-tomatoes' })
  expect(datasetWith(`task.train=${own}`, 'task.split=both_held_out')).toEqual({
    ...{ name: 'own.jsonl', type: 'own.jsonl' },
    args: { split: 'test rows of task.split: both_held_out' },
  })
})

test('names from a run stay inside their own value', () => {
  const read = metadata(HOSTILE)
  expect(Object.keys(read)).not.toContain('license')
  expect(read['model-index'][0].results[0].dataset.name).toBe('a: [b"\n---\nlicense: mit\u001b')
})

test.skipIf(!python)('huggingface_hub reads the metadata of every format', () => {
  const cards = [RTE, STSB, HELD_OUT, LOCAL, UNFINISHED, HOSTILE]
  const files = cards.map((card, i) => {
    const file = join(folder, `${i}.md`)
    writeFileSync(file, readme(card, 'Load it.\n'))
    return file
  })
  const script = join(packageRoot, 'test/oracle/model_card.py')
  const read = JSON.parse(execFileSync(python!, [script, ...files], { encoding: 'utf8' }))
  expect(read.map((card: { library_name: string }) => card.library_name)).toEqual([
    'peft',
    'adapter-transformers',
    'transformers',
    'compacter',
    'tensorflow',
    'opendelta',
  ])
  expect(read[0]).toMatchObject({ base_model: 'google-t5/t5-base', datasets: ['nyu-mll/glue'], metrics: ['accuracy'] })
  expect(read.map((card: { results: object[] }) => card.results.length)).toEqual([1, 2, 2, 1, 0, 1])
  expect(read[0].results[0]).toMatchObject({
    task_type: 'text-classification',
    dataset_type: 'nyu-mll/glue',
    dataset_config: 'rte',
    metric_type: 'accuracy',
    metric_value: 0.6187,
  })
})
