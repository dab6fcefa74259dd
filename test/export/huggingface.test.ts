import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackbone } from '../../src/backbone/weights.js'
import { exportRun } from '../../src/export/export.js'
import { silent } from '../../src/progress.js'
import { expectClose } from '../close.js'
import { engines, useEngine } from '../engines.js'
import { logitsInPyTorch, python } from './in_pytorch.js'
import { logitsOf, makeBackbone, makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'export-hf-'))
afterAll(() => rmSync(folder, { recursive: true }))
const v11 = join(folder, 'v1.1')
beforeAll(async () => {
  await useEngine(engines[0]!)
  await makeBackbone(v11)
})

const exported = (run: string, out: string) =>
  exportRun(run, { format: 'huggingface', out, force: false, progress: silent })

describe.each([
  ['full', ['method=full']],
  ['intrinsic', ['method=intrinsic', 'method.dimension=300']],
  ['intrinsic-said', ['method=intrinsic-said', 'method.dimension=300']],
  ['full on a trimmed vocabulary', ['method=full', 'backbone.trim_vocabulary=true']],
  ['full on T5 v1.1', ['method=full', `backbone=${v11}`]],
  ['intrinsic on T5 v1.1', ['method=intrinsic', 'method.dimension=300', `backbone=${v11}`]],
])('%s as a Hugging Face folder', (name, sets) => {
  const out = join(folder, `${name}-out`)
  let run: string
  beforeAll(async () => {
    run = await makeRun(join(folder, name), ...sets)
    await exported(run, out)
  })

  test('is whole, in float32, and our own reader takes it as a backbone', () => {
    const files = [
      'README.md',
      'compacter.json',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]
    expect(readdirSync(out).sort()).toEqual(files)
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).dtype).toBe('float32')
    openBackbone(out).close()
  })

  test.skipIf(!python)('gives the same logits in transformers to 1e-4', async () => {
    const logits = await logitsOf(run)
    const [expected] = await logitsInPyTorch([{ format: 'huggingface', out }])
    expectClose(expected!, logits, { relative: 1e-4, name: `logits of ${name}` })
  })
})

test.each([
  ['compacter', 'an adapter sits behind a nonlinearity, so that it cannot be merged into the weights of a T5.'],
  ['bitfit', 'the trained biases have no place in a T5, whose products and norms have none.'],
  ['prompt-tuning-r', 'the trained prompt stands in front of the input and is no weight of a T5.'],
])('%s is refused with the reason and the formats that do work', async (method, reason) => {
  const run = await makeRun(join(folder, method), `method=${method}`)
  const out = join(folder, 'none')
  await expect(exported(run, out)).rejects.toThrow(
    new RegExp(`^--format huggingface: ${reason} Formats that hold this method: safetensors`),
  )
  expect(readdirSync(folder)).not.toContain('none')
})
