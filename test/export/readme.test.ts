import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import Import from '../../commands/import.js'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { dimensionsOf } from '../../src/format/elsewhere.js'
import { exportRun } from '../../src/format/export.js'
import { backboneInPython } from '../../src/format/readme/in_python.js'
import { resultTable } from '../../src/report/tables/scores.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

const RESULT = {
  ...{ validation: { accuracy: 61.5 }, test: { accuracy: 60.25 } },
  ...{ best_step: 4, steps: 4, seconds: 1, peak_memory_bytes: 1 },
  ...{ trained_parameters: 1, backbone_parameters: 1, share_percent: 1 },
}

async function readmeOf(name: string, ...sets: string[]): Promise<string> {
  const [run, out] = [join(folder, name), join(folder, `${name}-out`)]
  await makeRun(run, ...sets)
  writeFileSync(join(run, 'result.json'), JSON.stringify(RESULT))
  await exportRun(run, { format: 'peft', out, force: false, progress: silent })
  return readFileSync(join(out, 'README.md'), 'utf8')
}

test('a README names the method as reports do, the backbone, the scores and the text of a source', async () => {
  const readme = await readmeOf('lora', 'method=lora', 'method.alpha=4', 'task.name_first=true', 'training.steps=4')
  expect(readme).toContain('parameters of the method\n`lora, alpha = 4` on the backbone `t5-nano` (SHA-256')
  expect(readme).toContain('| validation | accuracy 61.50 |\n| test | accuracy 60.25 |\n')
  expect(readme).toContain('Sources were written as: `rotten-tomatoes sentence: {text}`\n')
  expect(readme).toContain(
    '\ntext = "rotten-tomatoes sentence: {text}"  # with a row\'s text in place of each {column}\n',
  )
  expect(readme).not.toContain('likeliest')
})

test('of a run that ranked labels, the scores are said to be of the likeliest', async () => {
  const readme = await readmeOf('ranked', 'method=ia3', 'training.scoring=rank')
  expect(readme).toContain(
    '\n\nThe scores are of the likeliest label of each row, whatever the model would generate.\n',
  )
})

test('a preset of the hub is loaded by its id, a folder by its path', async () => {
  const lines = async (backbone: string) => {
    const experiment = loadExperiment('quickstart', [`backbone=${backbone}`])
    return backboneInPython(experiment, await dimensionsOf(experiment), [])
  }
  const load = 'model = AutoModelForSeq2SeqLM.from_pretrained(backbone).float()\n'
  expect(await lines('t5-v1_1-base')).toBe(`backbone = "google/t5-v1_1-base"\n${load}`)
  expect(await lines('t5-nano')).toMatch(
    /^backbone = "\/.*\/configs\/backbones\/t5-nano" {2}# its folder, on the machine of the/,
  )
})

test('a training and an import name a method in the same way', async () => {
  const run = join(folder, 'lora')
  const { experiment } = openTrainedRun(run)
  expect(resultTable(experiment, RESULT)).toContain('│ method      │ lora, alpha = 4 ')
  const args = [
    join(folder, 'lora-out'),
    '--format',
    'peft',
    '--backbone',
    't5-nano',
    '--run-dir',
    join(folder, 'again'),
  ]
  const log = vi.spyOn(Import.prototype, 'log').mockImplementation(() => {})
  await Import.run([...args, '--quiet'], packageRoot)
  expect(log.mock.calls).toEqual([[`${join(folder, 'again')}: lora, alpha = 4; 98,304 trained parameters`]])
})
