import { appendFileSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { evaluateRuns } from '../../src/engine/evaluate/evaluate_run.js'
import { exportRun } from '../../src/format/export.js'
import { importRun } from '../../src/format/import.js'
import { openPredictor } from '../../src/predict/predictor.js'
import { runExperiment } from '../../src/run/experiment.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { hasEngine } from '../support/engines.js'
import {
  device,
  GO_ON,
  heard,
  manifest,
  notes,
  otherWeights,
  path,
  ROW,
  run,
  sha256,
  short,
  t5,
  training,
  warnings,
  weights,
} from './changed_run.js'

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
