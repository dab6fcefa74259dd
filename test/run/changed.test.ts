import { createHash } from 'node:crypto'
import { appendFileSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { locateBackbone } from '../../src/backbone/files/locate.js'
import { type Progress, silent } from '../../src/base/progress.js'
import { openSafetensors, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { Interrupted } from '../../src/cli/interrupt.js'
import { evaluateRuns } from '../../src/engine/evaluate/evaluate_run.js'
import { writePredictions } from '../../src/engine/evaluate/predictions.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { exportRun } from '../../src/format/export.js'
import { importRun } from '../../src/format/import.js'
import { openPredictor } from '../../src/predict/predictor.js'
import { readReport } from '../../src/report/report.js'
import { runExperiment } from '../../src/run/experiment.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { smallExperiment } from '../support/cli.js'
import { engines, hasEngine } from '../support/engines.js'
import { stopAfter } from '../support/stop_after.js'

const { folder, file } = smallExperiment({
  steps: 6,
  batch_size: 4,
  warmup_steps: 1,
  evaluate_every: 2,
  source_length: 64,
})
const path = (...names: string[]) => join(folder, ...names)
const [run, t5] = [path('run'), path('t5')]
const weights = join(t5, 'model.safetensors')
const device = { engine: engines[0]!, threads: 1 }
const sets = [`backbone=${t5}`, 'method=compacter']

const sha256 = (name: string) => createHash('sha256').update(readFileSync(name)).digest('hex')
const short = (name: string) => `${sha256(name).slice(0, 12)}…`
const manifest = () => JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8'))

/** Trains, or resumes, until it is interrupted after so many steps more, or to its end. */
async function training(options: { resume?: boolean; allowChanged?: boolean; until?: number; sets?: string[] } = {}) {
  const { resume = true, until = Number.POSITIVE_INFINITY, allowChanged } = options
  const experiment = loadExperiment(file, [...sets, ...(options.sets ?? [])])
  const interrupted = stopAfter(run, until)
  return train(experiment, { ...device, folder: run, resume, allowChanged, progress: heard, interrupted }).catch(
    (error) => {
      if (!(error instanceof Interrupted)) throw error
    },
  )
}

let warnings: string[] = []
let notes: string[] = []
const heard: Progress = { ...silent, warn: (text) => warnings.push(text), note: (text) => notes.push(text) }

/** One value of a file of tensors is another: the same size, names and shapes. */
function otherWeights(file = weights): void {
  const before = openSafetensors(file)
  const tensors = [...before.entries.values()].map(
    ({ name, shape }) => [name, { shape, data: before.read(name) }] as const,
  )
  before.close()
  tensors[0]![1].data[0]! += 0.5
  writeSafetensors(file, tensors, before.metadata)
}

beforeAll(async () => {
  cpSync(await locateBackbone('t5-nano'), t5, { recursive: true })
  await training({ resume: false, until: 3 })
  for (const name of ['run', 't5']) cpSync(path(name), path(`${name}.kept`), { recursive: true })
  for (const split of ['train', 'validation', 'test']) cpSync(path(`${split}.jsonl`), path(`${split}.kept`))
})
afterEach(() => {
  warnings = []
  notes = []
  for (const name of ['run', 't5']) {
    rmSync(path(name), { recursive: true, force: true })
    cpSync(path(`${name}.kept`), path(name), { recursive: true })
  }
  for (const split of ['train', 'validation', 'test']) cpSync(path(`${split}.kept`), path(`${split}.jsonl`))
})
afterAll(() => rmSync(folder, { recursive: true }))

const ROW = '{"text": "a row more", "label": 1}\n'
const GO_ON = 'or go on with what is here: --allow-changed.'

test('the manifest notes what the run was made with', () => {
  expect(manifest()).toMatchObject({
    backbone_sha256: sha256(weights),
    tokenizer_sha256: sha256(join(t5, 'tokenizer.json')),
    backbone_config: { dModel: 256 },
    data_sha256: { train: sha256(path('train.jsonl')), test: sha256(path('test.jsonl')) },
  })
})

describe('a training', () => {
  test.each(['train', 'validation', 'test'])('is not resumed on other %s rows, and no hash is lost', async (split) => {
    const before = readFileSync(join(run, 'manifest.json'))
    const rows = path(`${split}.jsonl`)
    appendFileSync(rows, ROW)
    await expect(training()).rejects.toThrow(
      `${run}: its ${split} rows had SHA-256 ${short(path(`${split}.kept`))}; ${rows} has ${short(rows)}. Say where the same rows are (--set task.${split}=FILE), start a new run with --run-dir, ${GO_ON}`,
    )
    expect(readFileSync(join(run, 'manifest.json'))).toEqual(before)
  })

  test('is not resumed on other weights, another tokenizer or another config.json', async () => {
    const remedy = `Fetch the same backbone, say where it is with --set backbone.name=FOLDER, ${GO_ON}`
    const [before, tokenizer] = [short(weights), join(t5, 'tokenizer.json')]
    otherWeights()
    await expect(training()).rejects.toThrow(
      `${run}: was trained on weights with SHA-256 ${before}; those in ${t5} have ${short(weights)}. ${remedy}`,
    )
    cpSync(path('t5.kept', 'model.safetensors'), weights)
    appendFileSync(tokenizer, '\n')
    await expect(training()).rejects.toThrow(
      `${run}: was trained with a tokenizer whose SHA-256 is ${short(path('t5.kept', 'tokenizer.json'))}; ${tokenizer} has ${short(tokenizer)}. ${remedy}`,
    )
    cpSync(path('t5.kept', 'tokenizer.json'), tokenizer)
    const config = JSON.parse(readFileSync(join(t5, 'config.json'), 'utf8'))
    writeFileSync(join(t5, 'config.json'), JSON.stringify({ ...config, relative_attention_max_distance: 64 }))
    await expect(training()).rejects.toThrow(
      `${run}: was trained with a backbone whose relativeMaxDistance is 128; config.json in ${t5} says 64. ${remedy}`,
    )
  })

  test('continues with --allow-changed, and the manifest keeps both hashes and the step', async () => {
    const before = manifest()
    appendFileSync(path('train.jsonl'), ROW)
    otherWeights()
    await training({ allowChanged: true, until: 1 })
    const { step } = JSON.parse(openSafetensors(join(run, 'checkpoint/state.safetensors')).metadata.state!)
    const changes = [
      {
        step: step - 1,
        backbone_sha256: { from: before.backbone_sha256, to: sha256(weights) },
        data_sha256: { train: { from: before.data_sha256.train, to: sha256(path('train.jsonl')) } },
      },
    ]
    expect(manifest()).toMatchObject({ backbone_sha256: sha256(weights), changes })
    expect(warnings).toEqual([
      expect.stringMatching(/was trained on weights with SHA-256 .* Going on, as --allow-changed says\.$/),
      expect.stringMatching(/its train rows had SHA-256 .* Going on, as --allow-changed says\.$/),
    ])
    await training()
    expect(manifest()).toMatchObject({ changes }) // and the next resume, on the same, neither asks nor forgets
  })

  test('continues with the same rows and weights in a new place, and reads them there from then on', async () => {
    renameSync(path('test.jsonl'), path('moved.jsonl'))
    renameSync(t5, path('moved-t5'))
    const moved = [`task.test=${path('moved.jsonl')}`, `backbone=${path('moved-t5')}`]
    await training({ sets: moved })
    const { task, backbone } = runExperiment(join(run, 'experiment.yaml'))
    expect([task.test, backbone.name]).toEqual([path('moved.jsonl'), path('moved-t5')])
    expect(readFileSync(join(run, 'result.json'), 'utf8')).toContain('"steps": 6')
    rmSync(path('moved-t5'), { recursive: true })
  })
})

describe('names of labels', () => {
  const named = (names: string) => [`task.label_names=${names}`]
  const kept = () => runExperiment(join(run, 'experiment.yaml')).task

  test('may be added, changed and removed when training continues, and the run keeps the last', async () => {
    expect(kept()).not.toHaveProperty('label_names')
    await training({ sets: named('{0: dull, 1: fine}'), until: 1 })
    expect(kept()).toMatchObject({ label_names: { 0: 'dull', 1: 'fine' } })
    await training({ sets: named('{1: good}'), until: 1 })
    expect(kept()).toMatchObject({ label_names: { 1: 'good' } })
    await training()
    expect(kept()).not.toHaveProperty('label_names')
    expect(readFileSync(join(run, 'result.json'), 'utf8')).toContain('"steps": 6')
  })

  test('stay those of a run that is resumed with another task', async () => {
    const before = readFileSync(join(run, 'experiment.yaml'))
    await expect(training({ sets: [...named('{0: dull}'), 'task.labels={0: a, 1: b}'] })).rejects.toThrow(
      /the run was started with another task\.labels\S* \(.* then, .* now\)\. Resume with the same values/,
    )
    expect(readFileSync(join(run, 'experiment.yaml'))).toEqual(before)
  })
})

describe('an evaluation', () => {
  const evaluated = (options: { sets?: string[]; allowChanged?: boolean } = {}) =>
    evaluateRuns([run], {
      ...{ sets: [], allowChanged: false, ...options },
      ...{ ...device, split: 'test', scoring: 'generate', progress: heard },
    } as const)

  test('refuses other rows under the same name; named with --set they are a new evaluation', async () => {
    const rows = path('test.jsonl')
    appendFileSync(rows, ROW)
    await expect(evaluated()).rejects.toThrow(
      `${run}: its test rows had SHA-256 ${short(path('test.kept'))}; ${rows} has ${short(rows)}. To score these as a new evaluation, name them: --set task.test=FILE. Else restore the file, ${GO_ON}`,
    )
    const others = { sha256: sha256(rows), run_sha256: sha256(path('test.kept')) }
    const named = await evaluated({ sets: [`task.test=${rows}`] })
    expect(named.evaluated[0]).toMatchObject({ otherRows: others })
    expect(named.evaluated[0]!.examples.length).toBe(21)
    expect(notes).toContain(`${rows} has other rows than the run's test split: this is a new evaluation.`)
    const allowed = await evaluated({ allowChanged: true })
    expect(allowed.evaluated[0]).toMatchObject({ otherRows: others })
    expect(warnings.join('\n')).toContain('Going on, as --allow-changed says.')
  })

  test('of the same rows elsewhere is the same evaluation', async () => {
    const before = await evaluated()
    renameSync(path('test.jsonl'), path('elsewhere.jsonl'))
    const after = await evaluated({ sets: [`task.test=${path('elsewhere.jsonl')}`] })
    expect(after.evaluated[0]!.scores).toEqual(before.evaluated[0]!.scores)
    expect(after.evaluated[0]).not.toHaveProperty('otherRows')
    expect(notes.filter((note) => note.includes('new evaluation'))).toEqual([])
  })

  test('refuses other weights', async () => {
    otherWeights()
    await expect(evaluated()).rejects.toThrow(`${run}: was trained on weights with SHA-256 `)
    expect((await evaluated({ allowChanged: true })).evaluated[0]!.examples.length).toBe(20)
    expect(warnings[0]).toMatch(/was trained on weights with SHA-256 .* Going on, as --allow-changed says\.$/)
  })
})

describe('a report', () => {
  const file = path('run', 'predictions.jsonl')
  const options = { ...device, scoring: 'generate', sets: [], allowChanged: false, progress: heard } as const
  const predicted = async (
    more: { split?: 'test' | 'validation'; sets?: string[]; runs?: string[]; task?: string } = {},
  ) => {
    const { split = 'test', runs = [run] } = more
    const { evaluated } = await evaluateRuns(runs, { ...options, ...more, split })
    writePredictions(file, split, evaluated)
  }
  /** What a report shows of the run's predictions, or why it does not. */
  const reported = async () => {
    const { predictions, leftOut } = await readReport([run])
    const [read] = predictions.values()
    const left = leftOut.map(({ reason }) => reason).filter((reason) => reason.includes('predictions'))
    expect(left).toEqual(typeof read === 'string' ? [`the predictions are not shown: ${read}`] : [])
    return read
  }
  const again = `Write the run's own: compacter eval ${run} --predictions ${file} --force.`

  test('shows predictions that are of the run and says of which split', async () => {
    await predicted()
    expect(JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8'))).toEqual({
      predictions_sha256: sha256(file),
      split: 'test',
      runs: [
        {
          run,
          trained_sha256: sha256(join(run, 'best.safetensors')),
          backbone_sha256: sha256(weights),
          tokenizer_sha256: sha256(join(t5, 'tokenizer.json')),
          data_sha256: { test: sha256(path('test.jsonl')) },
          rows: 20,
        },
      ],
    })
    expect(await reported()).toMatchObject({ split: 'test', rows: 20 })
    expect(await reported()).not.toHaveProperty('note')
    await predicted({ split: 'validation' })
    expect(await reported()).toMatchObject({ split: 'validation', rows: 20 })
  })

  test('shows none of other rows', async () => {
    const rows = path('elsewhere.jsonl')
    cpSync(path('test.jsonl'), rows)
    appendFileSync(rows, ROW)
    await predicted({ sets: [`task.test=${rows}`] })
    expect(await reported()).toBe(
      `predictions.jsonl was made with test rows of SHA-256 ${short(rows)}; the run's is ${short(path('test.jsonl'))}. ${again}`,
    )
  })

  test('shows none of another task, though the rows are the same', async () => {
    await predicted({ task: path('test.jsonl') })
    expect(await reported()).toBe(
      `predictions.jsonl has predictions of another task's rows (--task ${path('test.jsonl')}). ${again}`,
    )
  })

  test('shows none of other trained tensors', async () => {
    await predicted({ split: 'validation' })
    const [best, before] = [join(run, 'best.safetensors'), short(join(run, 'best.safetensors'))]
    otherWeights(best)
    expect(await reported()).toBe(
      `predictions.jsonl was made with trained tensors of SHA-256 ${before}; the run's is ${short(best)}. ${again.replace('--force', '--split validation --force')}`,
    )
  })

  test('shows none that changed since, and none of several runs', async () => {
    await predicted()
    appendFileSync(file, readFileSync(file, 'utf8').split('\n')[0]!)
    expect(await reported()).toBe(`predictions.jsonl was changed after it was written. ${again}`)
    await predicted({ runs: [run, path('run.kept')] })
    expect(await reported()).toBe(`predictions.jsonl has the predictions of several runs. ${again}`)
    rmSync(`${file}.manifest.json`) // as earlier versions left it
    expect(await reported()).toBe(`predictions.jsonl has the predictions of several runs. ${again}`)
  })

  test('shows those of an earlier version with a note', async () => {
    await predicted()
    rmSync(`${file}.manifest.json`)
    const note = 'The file does not say which tensors and rows it was made of: an earlier version wrote it.'
    expect(await reported()).toMatchObject({ note, rows: 20 })
  })

  test('continues where the note of what they were made with is damaged', async () => {
    await predicted()
    writeFileSync(`${file}.manifest.json`, '{"split": ')
    expect(await reported()).toBe(
      'predictions.jsonl.manifest.json:1:11 is damaged: it is cut short. Write the predictions again with `compacter eval`.',
    )
  })
})

test('a prediction refuses other weights, and labels of other training rows', async () => {
  const opened = (scoring: 'generate' | 'rank', allowChanged = false) =>
    openPredictor([openTrainedRun(run)], { ...device, scoring, allowChanged, progress: heard }).then((predictor) =>
      predictor.close(),
    )
  appendFileSync(path('train.jsonl'), '{"text": "a row of a third class", "label": 2}\n')
  await expect(opened('rank')).rejects.toThrow(`${run}: its train rows had SHA-256 `)
  await opened('generate') // needs no labels
  await opened('rank', true)
  otherWeights()
  await expect(opened('generate')).rejects.toThrow(`${run}: was trained on weights with SHA-256 `)
})

describe('an export', () => {
  const out = path('out')
  const exported = (format: 'safetensors' | 'adapterhub' | 'saved-model', allowChanged = false) =>
    exportRun(run, { format, out, force: true, allowChanged, progress: heard })
  const card = () => JSON.parse(readFileSync(join(out, 'compacter.json'), 'utf8'))

  test.each(['safetensors', 'adapterhub', 'saved-model'] as const)('as %s refuses other weights', async (format) => {
    otherWeights()
    await expect(exported(format)).rejects.toThrow(`${run}: was trained on weights with SHA-256 `)
  })

  test('of the trained tensors belongs to the weights that they were trained on, whatever is here', async () => {
    otherWeights()
    await exported('safetensors', true)
    expect(card()).toMatchObject({ backbone: { sha256: sha256(path('t5.kept', 'model.safetensors')) } })
    expect(card().data_sha256.test).toBe(sha256(path('test.jsonl')))
    const options = { ...device, split: 'test', scoring: 'generate', sets: [], allowChanged: false, progress: heard }
    await expect(evaluateRuns([out], options as never)).rejects.toThrow(`${out}: was trained on weights with SHA-256 `)
    cpSync(path('t5.kept', 'model.safetensors'), weights)
    appendFileSync(path('test.jsonl'), ROW)
    await expect(evaluateRuns([out], options as never)).rejects.toThrow(`${out}: its test rows had SHA-256 `)
  })

  test.runIf(hasEngine('tensorflow'))(
    'with the backbone inside carries the hash of the weights that it holds, and no scores of others',
    async () => {
      await training()
      await exported('saved-model')
      expect(card()).toMatchObject({ backbone: { sha256: sha256(weights) }, metrics: { test: {} } })
      otherWeights()
      await exported('saved-model', true)
      expect(card()).toMatchObject({ backbone: { sha256: sha256(weights) }, metrics: null })
    },
  )

  test('of ours is imported for the backbone that it belongs to', async () => {
    await exported('adapterhub')
    const options = { format: 'adapterhub', backbone: t5, runDir: path('imported') } as const
    otherWeights()
    await expect(importRun(out, options)).rejects.toThrow(`${out}: was trained on weights with SHA-256 `)
    cpSync(path('t5.kept', 'model.safetensors'), weights)
    await importRun(out, options)
    otherWeights()
    const predictor = openPredictor([openTrainedRun(options.runDir)], {
      ...device,
      scoring: 'generate',
      progress: heard,
    })
    await expect(predictor).rejects.toThrow(`${options.runDir}: was trained on weights with SHA-256 `)
  })
})
