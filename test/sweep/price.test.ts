import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { backbonePreset } from '../../src/backbone/files/preset.js'
import type { BackboneConfig } from '../../src/backbone/registry.js'
import { firstComment, presetFile, presetNames } from '../../src/base/presets.js'
import { silent } from '../../src/base/progress.js'
import { runApart } from '../../src/engine/apart/process.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { extended, fewLayers, withLayers } from '../../src/measure/price/layers.js'
import { price } from '../../src/measure/price/price.js'
import type { PriceTrial } from '../../src/measure/price/trial.js'
import { sweepPlanTable } from '../../src/report/sweep/plan.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { planSweep } from '../../src/sweep/plan/plan.js'
import { priceOf } from '../../src/sweep/plan/price.js'
import { smallerBackbones } from '../../src/sweep/plan/smaller.js'
import { TRAINING_ROWS } from '../../src/task/benchmark/sizes.js'

vi.mock('../../src/engine/apart/process.js', () => ({ runApart: vi.fn() }))
vi.mock('../../src/measure/load.js', () => ({ isBusy: () => false, busyLine: () => '' }))

process.env.HF_HOME = mkdtempSync(join(tmpdir(), 'no-hub-'))

/** Steps of 0.12 s a layer and 0.06 s besides; memory of 1 GB, 100 MB a layer, and 10 MB a row and layer. */
const layersAsked: number[] = []
const apart = vi.mocked(runApart)
beforeEach(() => {
  layersAsked.length = 0
  process.env.COMPACTER_CACHE = mkdtempSync(join(tmpdir(), 'prices-'))
  apart.mockReset().mockImplementation(async (_, job) => {
    if ('measure' in job) return { plan: PLAN } as never // with its rows and weights, which are here
    const { encoderLayers: layers } = (job as PriceTrial).config
    layersAsked.push(layers)
    const bytes = (rows: number) => 1e9 + layers * 100e6 + rows * layers * 10e6
    return { cost: { seconds: 0.06 + 0.12 * layers, bytes: [bytes(4), bytes(12)] } } as never
  })
})

const PLAN = { trained_parameters: 1, steps: 1, estimated_seconds: 1, peak_memory_bytes: 1, fits: true }

const options = { progress: silent, interrupted: () => false }
const configOf = (name: string): BackboneConfig => backbonePreset(name)!.config
const experimentOf = (...sets: string[]) => loadExperiment('paper/compacter', sets)

describe('a price is reckoned from a backbone with few of its layers', () => {
  test.each([
    ['compacter', 't5-base', [1, 4]],
    ['compacter', 't5-small', [1, 4]],
    ['adapterdrop', 't5-base', [6, 9]],
    ['compacter', 't5-nano', [4]], // has no more than four
    ['lora', 'bert-base-uncased', [1, 4]],
  ])('%s on %s', (method, backbone, layers) => {
    const { method: options } = experimentOf(`method=${method}`)
    expect(fewLayers(configOf(backbone), options)).toEqual(layers)
  })

  test('with all dimensions but the number of layers', () => {
    const whole = configOf('t5-base')
    expect(withLayers(whole, 3)).toEqual({ ...whole, encoderLayers: 3, decoderLayers: 3 })
    expect(withLayers(configOf('bert-base-uncased'), 3)).toMatchObject({ encoderLayers: 3, decoderLayers: 0 })
  })

  // expected by the formulas above: 12 layers, 100 rows
  test('along straight lines to all layers and the whole batch', () => {
    const cost = (layers: number) => ({
      layers,
      seconds: 0.06 + 0.12 * layers,
      bytes: [1e9 + layers * 140e6, 1e9 + layers * 220e6] as [number, number],
    })
    const { seconds, bytes } = extended([cost(1), cost(4)], 12, 100)
    expect(seconds).toBeCloseTo((0.06 + 0.12 * 12) * (100 / 12), 10)
    expect(bytes).toBeCloseTo(1e9 + 12 * 100e6 + 100 * 12 * 10e6, 0)
    expect(extended([cost(4)], 4, 12)).toEqual({ seconds: cost(4).seconds, bytes: cost(4).bytes[1] })
  })

  test('what is measured is kept for later commands on this machine, and damaged files are measured again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kept-'))
    const { method } = experimentOf()
    const trial = (sourceLength: number): PriceTrial => ({
      ...{ config: configOf('t5-base'), options: method, sourceLength, targetLength: 5 },
      ...{ precision: 'float32', mode: 'auto', engine: 'auto', threads: 2 },
    })
    const how = { interrupted: () => false, kept: true, folder }
    const first = await price(trial(128), how)
    expect(await price(trial(128), how)).toEqual(first)
    expect(layersAsked).toEqual([1, 4])
    await price(trial(64), how)
    expect(layersAsked).toEqual([1, 4, 1, 4])
    for (const file of readdirSync(folder)) writeFileSync(join(folder, file), '[{"layers": 1}]')
    expect(await price(trial(128), how)).toEqual(first)
    await price(trial(32), { ...how, kept: false })
    expect([readdirSync(folder).length, layersAsked.length]).toEqual([2, 8])
  })
})

test('sizes of adapters share a price; what makes another step does not', () => {
  const of = (...sets: string[]) => priceOf(experimentOf(...sets))
  expect(of('method.n=8', 'method.reduction_factor=8')).toBe(of())
  expect(of('task.preset=glue/rte', 'training.seed=1')).toBe(of())
  for (const set of [
    'method.rule=own',
    'training.precision=bfloat16',
    'training.source_length=64',
    'backbone=t5-small',
  ])
    expect(of(set), set).not.toBe(of())
})

test.each([
  ['t5-base', ['t5-small', 't5-nano']],
  ['t5-small', ['t5-nano']],
  ['t5-nano', []],
  ['flan-t5-base', ['flan-t5-small']],
])('smaller backbones than %s are of its kind: %s', (name, smaller) => {
  expect(smallerBackbones(experimentOf(`backbone=${name}`).backbone).map(({ name }) => name)).toEqual(smaller)
})

test('the rows of a benchmark are those that its task says', () => {
  const said = presetNames('tasks')
    .filter((name) => name in TRAINING_ROWS)
    .map((name) => [name, Number(ROWS.exec(firstComment(presetFile('tasks', name)!))?.[1])])
  expect(Object.fromEntries(said)).toEqual(TRAINING_ROWS)
})

/** The first of `2490 / 138 / 139 rows`. */
const ROWS = /(\d+) (?:queries, a row for each of their answers )?\/ /

const PAPER = presetNames('sweeps').filter((name) => name.startsWith('paper/'))

describe.each([
  ['as shipped', []],
  ['on t5-nano', ['backbone=t5-nano']],
])('every sweep of the paper is priced %s', (_, sets) => {
  test.each(PAPER)('%s', async (name) => {
    const sweep = loadSweep(name, name === 'paper/sizes' ? [] : sets)
    const plan = await planSweep(sweep, options)
    expect(plan.cells.length).toBe(sweep.cells.length)
    for (const { name, steps, estimated_seconds, peak_memory_bytes, trained_parameters } of plan.cells)
      expect(
        [steps, estimated_seconds, peak_memory_bytes, trained_parameters].every((value) => value! > 0),
        name,
      ).toBe(true)
    expect(plan.estimated_seconds).toBeGreaterThan(0)
  })
})

// expected by the formulas above: MNLI has 3928 steps of 100 rows an epoch; on t5-small 6 layers, on t5-nano 4
test('the whole of what is printed about the table of efficiency', async () => {
  const plan = await planSweep(loadSweep('paper/efficiency'), options)
  expect(sweepPlanTable(plan)).toMatchInlineSnapshot(`
    "┌────┬──────────────────┬────────────────────┬───────┬───────────────┬─────────────┐
    │  # │ cell             │ trained parameters │ steps │ training time │ peak memory │
    ├────┼──────────────────┼────────────────────┼───────┼───────────────┼─────────────┤
    │  0 │ full             │        222,882,048 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  1 │ adapter          │          1,855,104 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  2 │ pfeiffer-adapter │            951,360 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  3 │ adapterdrop      │          1,101,984 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  4 │ low-rank-adapter │            161,664 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  5 │ phm-adapter      │            398,976 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  6 │ compacter        │            161,728 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  7 │ compacter++      │            104,704 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  8 │ bitfit           │            280,932 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │  9 │ intrinsic        │              1,400 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │ 10 │ intrinsic-said   │              1,400 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │ 11 │ prompt-tuning-r  │             76,800 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    │ 12 │ prompt-tuning-t  │             76,800 │ 3,928 │ ≈ 13 h 38 min │  ≈ 13.2 GiB │
    └────┴──────────────────┴────────────────────┴───────┴───────────────┴─────────────┘
    13 cells, 13 trainings priced. One after the other about 7.4 days without evaluations.
    The largest takes about 13.2 GiB of memory.
    Prices are estimates from steps of a few rows of full length through a few layers with random weights.
    They are extended along straight lines to all layers and the whole batch. Shorter rows take less.
    On t5-small: about 3.8 days, the largest in about 7.08 GiB.
    On t5-nano: about 2.7 days, the largest in about 5.03 GiB."
  `)
  const { cells, estimated_seconds, smaller } = plan
  const seconds = (layers: number) => 3928 * (0.06 + 0.12 * layers) * (100 / 12)
  expect(cells[0]).toMatchObject({ name: 'full', steps: 3928, basis: 'priced', trained_parameters: 222882048 })
  expect(cells[0]!.estimated_seconds).toBeCloseTo(seconds(12), 3)
  expect(estimated_seconds).toBeCloseTo(13 * seconds(12), 3)
  expect(smaller.map(({ backbone }) => backbone)).toEqual(['t5-small', 't5-nano'])
  expect(smaller.map((price) => price.estimated_seconds)).toEqual(
    [6, 4].map((layers) => expect.closeTo(13 * seconds(layers), 3)),
  )
})

test('a failure is the note of its cells, and there is no total', async () => {
  apart.mockResolvedValue({ failure: 'The process ended with code 1.' })
  const { cells, estimated_seconds, smaller } = await planSweep(loadSweep('paper/efficiency'), options)
  expect([estimated_seconds, smaller]).toEqual([null, []])
  expect(cells.every(({ note }) => note === 'The process ended with code 1.')).toBe(true)
})
