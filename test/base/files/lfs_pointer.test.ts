import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../../src/backbone/files/preset.js'
import { loadTokenizer } from '../../../src/backbone/files/tokenizer.js'
import { UserError } from '../../../src/base/error.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { loadExperiment } from '../../../src/experiment/load/load.js'
import { openTorchFile } from '../../../src/format/torch/read.js'
import { streamLines } from '../../../src/predict/lines.js'
import { readTable } from '../../../src/task/rows/table.js'
import { collect } from '../../task/collect.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-lfs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const POINTER = `version https://git-lfs.github.com/spec/v1
oid sha256:${'ab'.repeat(32)}
size 18921472
`
const MESSAGE =
  'is a Git LFS pointer to a file of 18921472 bytes, which has not been fetched. Run `git lfs pull` in its repository (before, once, `git lfs install`), or download the file itself.'

describe('a Git LFS pointer instead of', () => {
  test.each<[string, string, (file: string) => unknown]>([
    ['rows', 'rows.csv', (file) => collect(readTable(file))],
    ['rows', 'rows.tsv', (file) => collect(readTable(file))],
    ['rows', 'rows.jsonl', (file) => collect(readTable(file))],
    ['rows', 'rows.json', (file) => collect(readTable(file))],
    ['rows', 'rows.parquet', (file) => collect(readTable(file))],
    ['rows to predict', 'rows.txt', (file) => collect(streamLines(file, stream()))],
    ['weights', 'model.safetensors', openSafetensors],
    ['weights of PyTorch', 'pytorch_model.bin', openTorchFile],
    ['a tokenizer', 'tokenizer.json', loadTokenizer],
    ['a config', 'model/config.json', (file) => readConfig(join(file, '..'))],
    ['an experiment', 'experiment.yaml', (file) => loadExperiment(file)],
  ])('%s (%s) is reported, with what to do', async (_, name, read) => {
    const file = join(folder, name)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, POINTER)
    const error = await (async () => read(file))().then(
      () => 'nothing was thrown',
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(UserError)
    expect((error as Error).message).toBe(`${file}: ${MESSAGE}`)
  })
})

async function* stream() {
  yield Buffer.from(POINTER)
}

test('a text about pointers is not one', async () => {
  const file = join(folder, 'texts.tsv')
  writeFileSync(file, 'text\tlabel\nversion https://git-lfs.github.com/spec/v1\t1\n')
  expect(await collect(readTable(file))).toEqual([
    { line: 2, values: { text: 'version https://git-lfs.github.com/spec/v1', label: '1' } },
  ])
})
