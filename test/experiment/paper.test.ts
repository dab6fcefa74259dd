import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { experimentNames, presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'

/** Presets of methods that the paper compares. */
const PAPER = presetNames('methods').filter(
  (name) =>
    !['lora', 'dora', 'ia3', 'lokr', 'vera', 'layer-norm-tuning', 'parallel-adapter', 'prefix-tuning', 'mam'].includes(
      name,
    ),
)

describe("the paper's experiments", () => {
  test('are one a method', () => {
    const paper = experimentNames().filter((name) => name.startsWith('paper/'))
    expect(paper).toEqual(PAPER.map((name) => `paper/${name}`))
  })

  test('are those that docs/methods.md names, and every name of a method that it has in a table is a preset', () => {
    const docs = readFileSync(join(packageRoot, 'docs/methods.md'), 'utf8')
    const [, named] = /`experiments\/paper\/`\):([^.]*)\./.exec(docs)!
    expect([...named!.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(PAPER)
    const tables = [...docs.matchAll(/^\| preset \|.*\n\|[-|]+\n((?:\|.*\n)+)/gm)].map(([, rows]) => rows!)
    const rows = tables.flatMap((table) => [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!))
    expect(rows.length).toBeGreaterThan(15)
    expect(rows.filter((name) => !presetNames('methods').includes(name))).toEqual([])
  })

  test.each(PAPER)('%s has the settings of the paper', (name) => {
    const experiment = loadExperiment(`paper/${name}`)
    const { method } = loadExperiment('quickstart', ['backbone=t5-base', `method=${name}`])
    expect(experiment.method).toEqual(name === 'phm-adapter' ? { ...method, n: 12 } : method)
    expect(experiment.backbone).toEqual({ name: 't5-base', trim_vocabulary: true })
    const training = {
      epochs: 20,
      batch_size: 100,
      warmup_steps: 500,
      source_length: 128,
      gradient_clip_norm: 1,
      seed: 42,
    }
    expect(experiment.training).toMatchObject({ ...training, learning_rate: RATES[name] })
    const nameFirst = !/adapter|compacter/.test(name)
    expect(experiment.task).toMatchObject({ prompt: 'sentence: {text}', name_first: nameFirst })
  })
})

const RATES: Record<string, number> = {
  full: 3e-4,
  adapter: 3e-4,
  'pfeiffer-adapter': 3e-4,
  adapterdrop: 3e-4,
  'low-rank-adapter': 3e-3,
  'phm-adapter': 3e-3,
  compacter: 3e-3,
  'compacter++': 3e-3,
  bitfit: 3e-4,
  intrinsic: 3e-2,
  'intrinsic-said': 3e-2,
  'prompt-tuning-r': 3e-2,
  'prompt-tuning-t': 3e-1,
}
