import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { IMPORT_FORMATS, type ImportFormat } from '../../src/base/choices.js'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { exportRun } from '../../src/format/export.js'
import { importRun } from '../../src/format/import.js'
import { makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'wrong-format-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

/** A folder of each format, without our card, which only our own exports have. */
beforeAll(async () => {
  const run = await makeRun(at('run'), 'method=compacter')
  for (const format of ['adapterhub', 'opendelta', 'safetensors'] as const) {
    await exportRun(run, { format, out: at(format), force: false, progress: silent })
    if (format !== 'safetensors') rmSync(join(at(format), 'compacter.json'))
  }
  cpSync(join(packageRoot, 'test/fixtures/peft/lora'), at('peft'), { recursive: true })
  mkdirSync(at('reference'))
  const name = 'encoder.block.0.layer.0.adapter_controller.adapters.rte.down_sampler.b'
  writeSafetensors(join(at('reference'), 'model.safetensors'), [[name, { shape: [1], data: new Float32Array(1) }]])
})

const refusal = (path: string, format: ImportFormat) =>
  importRun(path, { format, backbone: 't5-nano', runDir: at('none'), task: 'rotten-tomatoes' }).then(
    () => 'imported',
    (error) => (error as Error).message,
  )

const EVIDENCE = {
  peft: 'adapter_config.json has peft_type',
  adapterhub: 'adapter_config.json has config',
  opendelta: 'config.json has delta_type',
  reference: "its tensors have the names of the paper's code",
}
const pairs = IMPORT_FORMATS.flatMap((of) => IMPORT_FORMATS.filter((as) => as !== of).map((as) => [of, as] as const))

test.each(pairs)('a folder of %s that is imported as %s is known for what it is', async (of, as) => {
  expect(await refusal(at(of), as)).toBe(
    `${at(of)}: is of the format ${of}, not ${as}: ${EVIDENCE[of]}. Import it with --format ${of}.`,
  )
})

test('an export of ours that is not imported says what takes it', async () => {
  expect(await refusal(at('safetensors'), 'peft')).toBe(
    `${at('safetensors')}: is an export of the format safetensors, which is not imported. \`compacter eval\`, \`predict\` and \`export\` take it as it is.`,
  )
})

test('a folder of no known format is refused by the reader of the one that was named', async () => {
  mkdirSync(at('empty'))
  expect(await refusal(at('empty'), 'peft')).toBe(`${join(at('empty'), 'adapter_config.json')}: no such file.`)
})

test('a file, or nothing, is no folder', async () => {
  writeFileSync(at('file'), '')
  const remedy = 'Name the folder that the library saved.'
  expect(await refusal(at('file'), 'peft')).toBe(`${at('file')}: is a file, not a folder. ${remedy}`)
  expect(await refusal(at('nowhere'), 'peft')).toBe(`${at('nowhere')}: there is no such folder. ${remedy}`)
})
