// Runs of before there was method.rule_std: a rule that is not learnt is drawn from the seed and stored nowhere.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { exportRun } from '../../src/format/export.js'
import { runExperiment } from '../../src/run/experiment.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { prepareFolder } from '../../src/sweep/run/prepare.js'
import { logitsOf, makeRun } from '../export/made_run.js'
import { smallExperiment } from '../support/cli.js'
import { engines, useEngine } from '../support/engines.js'

const { folder, file } = smallExperiment({
  steps: 4,
  batch_size: 4,
  warmup_steps: 1,
  evaluate_every: 2,
  source_length: 32,
})
const path = (...names: string[]) => join(folder, ...names)
beforeAll(() => useEngine(engines[0]!))
afterAll(() => rmSync(folder, { recursive: true }))

const FIXED = ['method=compacter', 'method.learn_rule=false']
const options = { engine: engines[0]!, threads: 2, progress: silent }

/** As that version wrote it. */
function withoutKey(file: string): void {
  const text = readFileSync(file, 'utf8')
  const without = text.replace(/\n *"?rule_std"?: .*(?=\n)/g, '')
  expect(without).not.toBe(text)
  writeFileSync(file, without)
}

const ruleStd = (file: string) => (runExperiment(file).method as { rule_std?: unknown }).rule_std

describe.each([
  ['one for the model', [], 1e-4],
  ['of factors', ['method.rule_factors=low_rank', 'method.rank=2'], 1e-8 * Math.sqrt(2)],
  ['own, of factors', ['method.rule=own', 'method.rule_factors=low_rank'], 1e-4],
])('a rule that is not learnt, %s', (name, sets, std) => {
  const [before, after] = [path(`${name}-before`), path(`${name}-after`)]

  test('is that of the run: it gives the same numbers as before', async () => {
    const tellsIt = await makeRun(before, ...FIXED, ...sets, `method.rule_std=${std}`)
    cpSync(tellsIt, after, { recursive: true })
    const given = await logitsOf(before)
    withoutKey(join(after, 'experiment.yaml'))
    expect(await logitsOf(after)).toEqual(given)
    expect(ruleStd(join(after, 'experiment.yaml'))).toBeCloseTo(std, 15)
    const now = await makeRun(path(`${name}-now`), ...FIXED, ...sets)
    expect(await logitsOf(now)).not.toEqual(given)
  })

  test('is that of an export of it, and of an export that a version before wrote', async () => {
    const out = path(`${name}-exported`)
    await exportRun(after, { format: 'safetensors', out, force: false, progress: silent })
    const given = await logitsOf(before)
    expect(await logitsOf(out)).toEqual(given)
    withoutKey(join(out, 'compacter.json'))
    expect(await logitsOf(out)).toEqual(given)
    expect(openTrainedRun(out).experiment.method).toMatchObject({ rule_std: expect.closeTo(std, 15) })
  })
})

test('a run whose rule is learnt is like a new one', async () => {
  const run = await makeRun(path('learnt'), 'method=compacter')
  expect(ruleStd(join(run, 'experiment.yaml'))).toBe('auto')
  withoutKey(join(run, 'experiment.yaml'))
  expect(ruleStd(join(run, 'experiment.yaml'))).toBe('auto')
})

/** Trains, or goes on, until it is interrupted after so many steps, or to its end. */
async function training(
  run: string,
  sets: string[],
  { until = Number.POSITIVE_INFINITY, resume = false } = {},
): Promise<void> {
  let asked = 0
  const experiment = loadExperiment(file, [...FIXED, ...sets])
  const interrupted = () => asked++ >= until
  await train(experiment, { ...options, folder: run, resume, interrupted }).catch((error) => {
    if (!(error instanceof Interrupted)) throw error
  })
}

test('training continues with the rule that it began with', { timeout: 120_000 }, async () => {
  const [whole, run] = [path('whole'), path('run')]
  await training(whole, ['method.rule_std=1e-4'])
  await training(run, ['method.rule_std=1e-4'], { until: 3 })
  withoutKey(join(run, 'experiment.yaml'))
  await training(run, [], { resume: true })
  const last = (run: string) => readFileSync(join(run, 'last.safetensors'))
  expect(last(run)).toEqual(last(whole))
  await expect(training(run, ['method.rule_std=0.5'], { resume: true })).rejects.toThrow(
    `${join(run, 'experiment.yaml')}: the run was started with another method.rule_std (0.0001 then, 0.5 now).`,
  )
})

test('a sweep accepts its cells that were trained before, and no others', { timeout: 120_000 }, async () => {
  const sweep = path('sweep.yaml')
  writeFileSync(sweep, 'experiment: small.yaml\nset: { method.learn_rule: false }\naxes: { training.seed: [1, 2] }\n')
  const { name, axes, slurm, cells, yaml } = loadSweep(sweep)
  const prepare = () =>
    prepareFolder(path('cells'), { name, axes, slurm, cells }, yaml, { flag: '--dir', keep: false }).cells
  const run = path('cells', prepare()[0]!.name)
  await training(run, ['training.seed=1', 'method.rule_std=1e-4'], { until: 1 })
  withoutKey(join(run, 'experiment.yaml'))
  expect(prepare().map(({ name }) => name)).toEqual(cells.map(({ name }) => name))
  rmSync(run, { recursive: true })
  await training(run, ['training.seed=1', 'method.rule_std=0.5'], { until: 1 })
  expect(prepare).toThrow(`${run}: was trained by another experiment, or by this one with other values.`)
})
