import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { evaluateRuns } from '../../../src/engine/evaluate/evaluate_run.js'
import { train } from '../../../src/engine/train/train.js'
import { experimentYaml, loadExperiment } from '../../../src/experiment/load/load.js'
import type { Experiment } from '../../../src/experiment/schema.js'
import { type PredictRunsOptions, predictRuns } from '../../../src/predict/predict.js'
import { smallExperiment } from '../../support/cli.js'
import { engines, hasEngine } from '../../support/engines.js'
import { readMetricsLines } from '../../support/metrics_lines.js'

const { folder, file } = smallExperiment({ steps: 4, evaluate_every: 2, batch_size: 8, source_length: 32 })
afterAll(() => rmSync(folder, { recursive: true }))

const device = (engine: (typeof engines)[number]) => ({ engine, threads: 1, progress: silent })
const trained = (name: string, engine: (typeof engines)[number], sets: string[]) =>
  train(loadExperiment(file, sets), {
    ...device(engine),
    folder: join(folder, name),
    resume: false,
    interrupted: () => false,
  })

const ways = [
  ...(hasEngine('tensorflow')
    ? ([
        ['tensorflow', 'replay', 'float32'],
        ['tensorflow', 'replay', 'bfloat16'],
      ] as const)
    : []),
  ...engines.slice(0, 1).map((engine) => [engine, 'eager', 'float32'] as const),
]

describe.each(ways)('training.scoring: rank on %s, %s in %s', (engine, mode, precision) => {
  const name = `${engine}-${mode}-${precision}`
  const run = join(folder, name)
  const scores = async (options: { split: 'validation' | 'test'; scoring?: 'generate' | 'rank' }) => {
    const { evaluated } = await evaluateRuns([run], { ...device(engine), sets: [], allowChanged: false, ...options })
    return evaluated[0]!
  }

  test('ranks in evaluations and in the test at the end, as eval does of such a run', async () => {
    const sets = ['training.scoring=rank', `training.engine_mode=${mode}`, `training.precision=${precision}`]
    const result = await trained(name, engine, sets)
    const [validation, tested] = [await scores({ split: 'validation' }), await scores({ split: 'test' })]
    expect([validation.scores, tested.scores]).toEqual([result.validation, result.test])
    expect([tested.scoring, tested.invalid]).toEqual(['rank', 0])
    expect(tested.predictions[0]!.scores).toEqual({ '0': expect.any(Number), '1': expect.any(Number) })
    const best = readMetricsLines(run).find(({ step, split }) => split && step === result.best_step)
    expect(best).toMatchObject(result.validation)
    const generated = await scores({ split: 'test', scoring: 'generate' })
    expect([generated.scoring, generated.invalid > 0, generated.scores.accuracy]).toEqual(['generate', true, 0])
  })
})

test('is refused where there are no labels', () => {
  const sets = ['training.scoring=rank', 'task.kind=regression']
  expect(() => loadExperiment(file, sets)).toThrow(
    '--set training.scoring=rank: training.scoring is rank, but the task is of kind regression: its outputs are not a few labels. Set it to generate.',
  )
})

describe('predict', () => {
  const [engine] = engines
  const predicted = async (runs: string[], more: Partial<PredictRunsOptions> = {}) => {
    const output = join(folder, 'predicted.jsonl')
    const input = { texts: ['a fine film'] }
    const options = { ...device(engine!), sets: [], input, format: 'jsonl', ...more } as const
    await predictRuns(runs, { ...options, output: { file: output, force: true } })
    return JSON.parse(readFileSync(output, 'utf8'))
  }
  const names = ['ranked', 'generated'].map((name) => join(folder, name)) as [string, string]
  beforeAll(async () => {
    await trained('ranked', engine!, ['training.steps=1', 'training.scoring=rank'])
    await trained('generated', engine!, ['training.steps=1'])
  })

  test('ranks by default with a run that was trained so', async () => {
    expect(await predicted([names[0]])).toMatchObject({ probabilities: expect.any(Object) })
    expect(await predicted([names[0]], { scoring: 'generate' })).not.toHaveProperty('probabilities')
    expect(await predicted([names[1]])).not.toHaveProperty('probabilities')
  })

  test('searches with beams where outputs are decoded, and eval says so', async () => {
    const searched = await predicted([names[1]], { beams: 3 })
    expect(searched).toMatchObject({ prediction: expect.any(String) })
    const options = { ...device(engine!), split: 'test', sets: [], allowChanged: false } as const
    const { evaluated } = await evaluateRuns([names[1]], { ...options, beams: 3 })
    expect(evaluated[0]).toMatchObject({ scoring: 'generate', beams: 3 })
    const refused =
      '--beams 3: labels are ranked, not decoded: a search has no part in it. Leave --beams out, or add --scoring generate.'
    await expect(predicted([names[0]], { beams: 3 })).rejects.toThrow(refused)
    await expect(evaluateRuns([names[0]], { ...options, beams: 3 })).rejects.toThrow(refused)
  })

  test.runIf(hasEngine('tensorflow'))('computes in bfloat16 where that is asked for', async () => {
    const options = { ...device('tensorflow'), split: 'test', sets: [], allowChanged: false, scoring: 'rank' } as const
    const [rounded] = (await evaluateRuns([names[0]], { ...options, precision: 'bfloat16' })).evaluated
    const [exact] = (await evaluateRuns([names[0]], options)).evaluated
    expect([rounded!.precision, exact!.precision]).toEqual(['bfloat16', 'float32'])
    const differences = rounded!.predictions.map(({ scores }, i) =>
      Math.abs(Object.values(scores!)[0]! - Object.values(exact!.predictions[i]!.scores!)[0]!),
    )
    expect(Math.min(...differences)).toBeGreaterThan(0)
    expect(Math.max(...differences)).toBeLessThan(0.5)
    const row = await predicted([names[0]], { precision: 'bfloat16' })
    expect(row.probabilities).not.toEqual((await predicted([names[0]])).probabilities)
  })

  test('refuses bfloat16 with beams', async () => {
    await expect(predicted([names[1]], { beams: 2, precision: 'bfloat16' })).rejects.toThrow(
      '--precision bfloat16: the search of --beams 2 computes in float32. Leave one of the two out.',
    )
  })

  test('asks for one way where runs were trained in two', async () => {
    await expect(predicted(names)).rejects.toThrow(
      `${names[1]}: has training.scoring generate, but ${names[0]} has rank. Give --scoring for both.`,
    )
    expect(await predicted(names, { scoring: 'rank' })).toBeDefined()
  })

  test('refuses heads that answer in other ways, and other backbones, without a word of --scoring', async () => {
    const made = (name: string, task: object, backbone: string) => {
      const run = join(folder, name)
      mkdirSync(run)
      const experiment = loadExperiment('classify', [`backbone=${backbone}`])
      const whole = { ...experiment, task: { ...experiment.task, ...task } } as Experiment
      writeFileSync(join(run, 'experiment.yaml'), experimentYaml(whole))
      writeFileSync(join(run, 'best.safetensors'), '')
      return run
    }
    const regression = { ...{ kind: 'regression', texts: ['{text}'], step: 0.2 }, metrics: ['pearson'] }
    const [chooses, numbers, writes] = [
      made('chooses', { texts: ['{text}'], labels: { 0: '0', 1: '1' } }, 'bert-nano'),
      made('numbers', { ...regression, positive: undefined, label_names: undefined }, 'bert-nano'),
      made('writes', {}, 't5-nano'),
    ] as const
    const messages = await Promise.all(
      [
        [chooses, numbers],
        [chooses, writes],
      ].map((runs) => predicted(runs).catch((error) => error.message)),
    )
    expect(messages).toEqual([
      `${numbers}: has a task of kind regression, but that of ${chooses} is of kind classification: a head that puts out numbers does not predict together with one that chooses. Call the command once for each of the two.`,
      `${writes}: was trained on t5-nano, but ${chooses} on bert-nano. Runs that are named together share one backbone: call the command once for each backbone.`,
    ])
  })
})
