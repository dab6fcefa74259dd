import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { experimentYaml, loadExperiment } from '../../src/experiment/load/load.js'
import { locatedPlaces, ownPlaces, storedPlaces } from '../../src/experiment/places.js'
import type { Experiment } from '../../src/experiment/schema.js'
import { withPlaces } from '../../src/run/places.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { writeRun } from '../report/runs.js'

const outside = mkdtempSync(join(tmpdir(), 'places-'))
afterAll(() => rmSync(outside, { recursive: true }))

const SPLITS = ['train', 'validation', 'test'] as const
const ROWS = '{"text": "a", "label": 0}\n'

/** A project of a user: data/*.jsonl, a backbone's folder, and a run of both in runs/r. */
let project: string
let run: string
let experiment: Experiment
beforeEach(() => {
  project = mkdtempSync(join(outside, 'project-'))
  run = join(project, 'runs', 'r')
  mkdirSync(join(project, 'data'))
  for (const split of SPLITS) writeFileSync(join(project, 'data', `${split}.jsonl`), ROWS)
  cpSync(join(packageRoot, 'configs/backbones/t5-nano'), join(project, 't5'), { recursive: true })
  const files = SPLITS.map((split) => `task.${split}=${join(project, 'data', `${split}.jsonl`)}`)
  experiment = loadExperiment('quickstart', [...files, `backbone=${join(project, 't5')}`])
  writeRun(run, { manifest: { places: ownPlaces(experiment) } })
  writeFileSync(join(run, 'experiment.yaml'), experimentYaml(storedPlaces(experiment, run)))
  writeFileSync(join(run, 'best.safetensors'), '')
})

const placesOf = ({ task, backbone }: Experiment) => [...SPLITS.map((split) => task[split]!), backbone.name]
const inProject = (...names: string[]) => names.map((name) => join(project, name))
const DATA = ['data/train.jsonl', 'data/validation.jsonl', 'data/test.jsonl', 't5']

describe('an experiment that is written down', () => {
  test('has its own files relative to the run, and is the same when it is read', () => {
    const { task, backbone } = storedPlaces(experiment, run)
    expect([task.train, task.test, backbone.name]).toEqual([
      '../../data/train.jsonl',
      '../../data/test.jsonl',
      '../../t5',
    ])
    expect(openTrainedRun(run).experiment).toEqual(experiment)
    expect(storedPlaces(experiment, project).backbone.name).toBe('./t5') // `t5` could be a hub id
  })

  test('is an experiment file as any other', () => {
    expect(placesOf(loadExperiment(join(run, 'experiment.yaml')))).toEqual(inProject(...DATA))
  })

  test('names what ships with the toolkit, which every clone has', () => {
    const shipped = loadExperiment('quickstart')
    const stored = storedPlaces(shipped, run)
    expect(stored.task.train).toBe('package:configs/tasks/rotten-tomatoes/train.jsonl')
    expect(stored.backbone.name).toBe('t5-nano')
    expect(locatedPlaces(stored, run, 'x')).toEqual(shipped)
    expect(ownPlaces(shipped)).toEqual({})
    const file = join(project, 'shipped.yaml')
    writeFileSync(file, experimentYaml(stored))
    expect(loadExperiment(file)).toEqual(shipped)
  })

  test('by an earlier version: absolute paths open, and those of a clone that is gone lead to this one', () => {
    writeFileSync(join(run, 'experiment.yaml'), experimentYaml(experiment))
    expect(openTrainedRun(run).experiment).toEqual(experiment)
    const shipped = experimentYaml(loadExperiment('quickstart'))
    writeFileSync(join(run, 'experiment.yaml'), shipped.replaceAll(packageRoot, '/gone/clone'))
    expect(openTrainedRun(run).experiment).toEqual(loadExperiment('quickstart'))
  })
})

describe('what moved', () => {
  test('the whole project: everything is found in the copy, nothing in the original', () => {
    const copy = `${project}-copy`
    cpSync(project, copy, { recursive: true })
    const opened = openTrainedRun(join(copy, 'runs', 'r'))
    expect(placesOf(opened.experiment)).toEqual(DATA.map((name) => join(copy, name)))
  })

  test('only the run: what it was made with is found in its old place', () => {
    const alone = join(mkdtempSync(join(outside, 'elsewhere-')), 'r')
    renameSync(run, alone)
    expect(placesOf(openTrainedRun(alone).experiment)).toEqual(inProject(...DATA))
  })

  test('the data: --set says where, file by file or by the folder, and the backbone too', () => {
    const moved = join(project, 'moved')
    renameSync(join(project, 'data'), moved)
    renameSync(join(project, 't5'), join(project, 'T5'))
    const file = (split: string) => join(moved, `${split}.jsonl`)
    const one = openTrainedRun(run, [`task.test=${file('test')}`])
    expect(placesOf(one.experiment)).toEqual([...inProject(...DATA.slice(0, 2)), file('test'), join(project, 't5')])
    expect([...one.set.keys()]).toEqual(['test'])
    expect(one.locate(['task', 'test'])).toBe(`--set task.test=${file('test')}`)
    expect(one.locate(['task', 'train'])).toMatch(/experiment\.yaml:\d+:\d+$/)
    const all = openTrainedRun(run, [`task.path=${relative(process.cwd(), moved)}`, `backbone.name=${project}/T5`])
    expect(placesOf(all.experiment)).toEqual([...SPLITS.map(file), join(project, 'T5')])
    expect([...all.set.keys()]).toEqual(['train', 'validation', 'test', 'backbone'])
  })
})

describe('--set on a run', () => {
  const complaint = (...sets: string[]) => {
    try {
      return withPlaces(experiment, sets).experiment
    } catch (error) {
      return `${error}`.replaceAll(project, 'PROJECT')
    }
  }
  const KEYS = 'Keys: backbone.name, task.train, task.validation, task.test, task.path.'

  test.each([
    [
      'method.n=8',
      `--set method.n=8: a run stays what it was made with; only where its backbone and data are can be set. ${KEYS}`,
    ],
    [
      'task.prompt=x',
      `--set task.prompt=x: a run stays what it was made with; only where its backbone and data are can be set. ${KEYS}`,
    ],
    ['task.test', '--set task.test: is not of the form key=value. For instance: --set method.n=8.'],
    ['task.test=', '--set task.test=: the value is not a path. Quote it.'],
    ['task.test=[a]', '--set task.test=[a]: the value is not a path. Quote it.'],
  ])('refuses %s', (set, expected) => {
    expect(complaint(set)).toBe(`ExperimentProblems: ${expected}`)
  })

  test('refuses a place where nothing is, or something else', () => {
    const told = (set: string) => complaint(set)
    expect(told(`task.test=${project}/data/tests.jsonl`)).toBe(
      'ExperimentProblems: --set task.test=PROJECT/data/tests.jsonl: there is no file PROJECT/data/tests.jsonl. Did you mean test.jsonl?',
    )
    expect(told(`task.test=${project}/data`)).toBe(
      'ExperimentProblems: --set task.test=PROJECT/data: is a folder; it must be a file.',
    )
    expect(told(`task.path=${project}/data/test.jsonl`)).toBe(
      'ExperimentProblems: --set task.path=PROJECT/data/test.jsonl: is a file; it must be the folder of the files.',
    )
  })

  test('a benchmark has a folder of official files, not files', () => {
    const rte = loadExperiment('quickstart', ['task=glue/rte'])
    expect(withPlaces(rte, [`task.path=${project}/data`]).experiment.task.path).toBe(join(project, 'data'))
    expect(() => withPlaces(rte, [`task.test=${project}/data/test.jsonl`])).toThrow(
      'the benchmark glue/rte has files of its own. Name their folder: task.path.',
    )
  })
})

test('the same text of the run in every folder: no absolute path of this machine', () => {
  expect(readFileSync(join(run, 'experiment.yaml'), 'utf8')).not.toContain(project)
})
