import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { resumedRun } from '../../src/engine/train/resume.js'
import { importRun } from '../../src/format/import.js'
import { reportPage } from '../../src/report/page/page.js'
import { type Report, readReport } from '../../src/report/report.js'
import { newRun, runFiles } from '../../src/run/directory.js'
import { runExperiment } from '../../src/run/experiment.js'
import { newFolder, writeRun } from './runs.js'

const folder = newFolder()
const theirs = join(folder, 'theirs')
const from = (name: string) => join(packageRoot, 'test/fixtures/peft', name)
const imported = (name: string, runDir: string, backbone = 't5-nano') =>
  importRun(from(name), { format: 'peft', backbone, runDir, task: 'rotten-tomatoes' })
afterAll(() => rmSync(folder, { recursive: true }))
beforeAll(() => imported('lora', theirs))

const textOf = async (report: Report) =>
  (await reportPage(report, { version: '1.2.3', date: new Date('2026-11-24T00:00:00Z') }))
    .replaceAll(/<wbr>|<\/?span[^>]*>/g, '')
    .replaceAll(/<[^>]+>/g, '|')

test('an imported run is no interrupted training: the report says where it is from, and what is known of it', async () => {
  const report = await readReport([theirs])
  expect(report.leftOut).toEqual([
    {
      folder: theirs,
      reason: expect.stringMatching(
        new RegExp(
          `^was imported from ${from('lora')} \\(peft\\), not trained here: it has no curves and no scores. Score it: .*eval ${theirs}\\.$`,
        ),
      ),
    },
  ])
  const text = await textOf(report)
  expect(text).toContain('imported lora, rank = 2, alpha = 3, train_layer_norms = true on rotten-tomatoes')
  expect(text).toContain('1 run, 1 imported of t5-nano.')
  expect(text).toContain(`|imported from||${from('lora')} (peft)|`)
  expect(text).toMatch(/\|theirs\|.*\|30,208\|.*\|imported \(peft\)\|/s)
  expect(text).not.toContain('not finished')
  expect(text).not.toContain('device')
})

test('imported runs are told apart by their folders, and from runs that were trained here', async () => {
  const runs = join(folder, 'several')
  await imported('lora', join(runs, 'a'))
  await imported('lora-head', join(runs, 'b'))
  await imported('lora', join(runs, 'c'))
  writeRun(join(runs, 'd'), { sets: ['method=lora'] })
  writeRun(join(runs, 'e'), { sets: ['method=lora', 'training.learning_rate=0.1'], finished: false, steps: 3 })
  const report = await readReport([runs])
  const names = report.groups.map(({ method, runs }) => [method, runs.length])
  expect(names).toContainEqual(['imported lora, rank = 2, alpha = 3, train_layer_norms = true', 2])
  expect(names).toContainEqual(['lora, learning_rate = 0.001', 1])
  expect(await textOf(report)).toContain('5 runs, 1 not finished, 3 imported of t5-nano.')
})

test('an import without its backbone here says too where it is from', async () => {
  const [prompts, runDir] = [join(folder, 'prompts'), join(folder, 'on-small')]
  mkdirSync(prompts)
  const config = { peft_type: 'PROMPT_TUNING', num_virtual_tokens: 3, num_transformer_submodules: 1 }
  writeFileSync(join(prompts, 'adapter_config.json'), JSON.stringify(config))
  const tensor = { shape: [3, 512], data: new Float32Array(3 * 512) }
  writeSafetensors(join(prompts, 'adapter_model.safetensors'), [['prompt_embeddings', tensor]])
  await importRun(prompts, { format: 'peft', backbone: 't5-small', runDir, task: 'rotten-tomatoes' })
  const [run] = (await readReport([runDir])).runs
  expect(run!.environment).toMatchObject({
    imported: { format: 'peft', folder: prompts },
    trained_parameters: 1536,
    backbone_parameters: 60_506_624,
  })
})

test('there is nothing to resume, and nobody is told to', () => {
  const files = runFiles(theirs)
  expect(() => resumedRun(files, runExperiment(files.experiment), { progress: silent })).toThrow(
    `${theirs}: was imported from ${from('lora')} (peft), not trained here: there is nothing to resume. Begin a training from its tensors: --set training.start_from=${theirs}.`,
  )
  expect(() => newRun(theirs)).toThrow(
    `${theirs}: exists already. Choose another folder with --run-dir, or delete this one.`,
  )
})
