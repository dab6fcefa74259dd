import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackbone } from '../../src/backbone/files/weights.js'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { disposeModel, evaluationPass, loadModel, startVector } from '../../src/engine/model/model.js'
import { exportRun } from '../../src/format/export.js'
import tf from '../../src/tensor/tf.cjs'
import { batchLogits } from '../support/batch_logits.js'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { logitsInPyTorch, python } from './in_pytorch.js'
import { batch, logitsOf, makeBackbone, makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'export-hf-'))
afterAll(() => rmSync(folder, { recursive: true }))
const LAYOUTS = join(packageRoot, 'test/fixtures/layouts')
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
  ['lora', ['method=lora', 'method.targets=all', 'method.alpha=1', 'method.train_layer_norms=true']],
  ['lokr', ['method=lokr', 'method.targets=[q, v, wo]']],
  ['vera', ['method=vera', 'method.rank=8', 'method.targets=[q, wo]']],
  ['ia3', ['method=ia3']],
  ['layer-norm-tuning', ['method=layer-norm-tuning']],
  ['dora on T5 v1.1', ['method=dora', 'method.targets=[v, wo, lm_head]', `backbone=${v11}`]],
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

  test('gives the same logits to 1e-5 as a backbone that nothing is trained on', async () => {
    const backbone = openBackbone(out)
    const model = loadModel(backbone.config, { kind: 'full' }, backbone.read, 0)
    const vector = tf.tensor1d(startVector(model, backbone.read, 0))
    const { pass, dispose } = evaluationPass(model, vector)
    const logits = tf.tidy(() => batchLogits(pass, batch))
    expectClose(await logits.data(), await logitsOf(run), { relative: 1e-5, name: `logits of ${name}` })
    dispose()
    disposeModel(model)
    tf.dispose([vector, logits])
    backbone.close()
  })

  test.skipIf(!python)('gives the same logits in transformers to 1e-4', async () => {
    const logits = await logitsOf(run)
    const [expected] = await logitsInPyTorch([{ format: 'huggingface', out }])
    expectClose(expected!, logits, { relative: 1e-4, name: `logits of ${name}` })
  })
})

test.each([
  ['compacter', "an adapter sits behind a nonlinearity, so that it cannot be merged into the backbone's weights."],
  [
    'lora with method.targets=[lm_head]',
    'the head, which the method changes, is the embedding table of this T5: merged, the change would reach the embeddings too.',
  ],
  ['bitfit', 'the trained biases have no place in this backbone, whose products and norms have none.'],
  ['prompt-tuning-r', 'the trained prompt is put among the vectors of tokens and is no weight of the backbone.'],
  [
    'prefix-tuning',
    'the trained keys and values stand in front of those of attention and are no weights of the backbone.',
  ],
])('%s is refused with the reason and the formats that do work', async (method, reason) => {
  const [preset, set] = method.split(' with ')
  const run = await makeRun(join(folder, method), `method=${preset}`, ...(set ? [set] : []))
  const out = join(folder, 'none')
  await expect(exported(run, out)).rejects.toThrow(
    new RegExp(`^--format huggingface: ${reason} Formats that hold this method: safetensors`),
  )
  expect(readdirSync(folder)).not.toContain('none')
})

describe('a run on any kind of head or activation', () => {
  /**
   * Folders as transformers 4.57 and 5.18 write them, see test/oracle/layouts.py; with the dimensions of other tests.
   */
  const layouts = readdirSync(LAYOUTS).filter((name) => name !== 'logits.json' && !name.endsWith('-resaved'))
  const inLayout = (name: string) => join(folder, 'layouts', name)

  async function makeLayout(name: string): Promise<void> {
    const { vocab_size, d_model, d_kv, d_ff, ...config } = JSON.parse(
      readFileSync(join(LAYOUTS, name, 'config.json'), 'utf8'),
    )
    const file = openSafetensors(join(LAYOUTS, name, 'model.safetensors'))
    const head = file.entries.has('lm_head.weight') ? 'own' : 'none'
    file.close()
    const keys = { scale_decoder_outputs: undefined, tie_word_embeddings: undefined, ...config }
    await makeBackbone(inLayout(name), { config: keys, head })
  }

  test.skipIf(!python)(
    'is exported with logits that transformers gives too, to 1e-4',
    { timeout: 600_000 },
    async () => {
      const exports: { format: string; out: string }[] = []
      const expected: Float32Array[] = []
      for (const name of layouts) {
        await makeLayout(name)
        const run = await makeRun(join(inLayout(name), 'run'), 'method=full', `backbone=${inLayout(name)}`)
        const out = join(inLayout(name), 'out')
        await exported(run, out)
        exports.push({ format: 'huggingface', out })
        expected.push(await logitsOf(run))
      }
      expect(layouts.length).toBeGreaterThan(15)
      for (const [i, logits] of (await logitsInPyTorch(exports)).entries())
        expectClose(logits, expected[i]!, { relative: 1e-4, name: `logits of ${layouts[i]}` })
    },
  )
})

test.skipIf(process.platform === 'win32')(
  "a link in a backbone puts nothing of the user's into an export",
  async () => {
    const [backbone, secret, out] = ['linked', 'secret', 'linked-out'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    await makeBackbone(backbone)
    writeFileSync(secret, '{"key": "mine"}')
    symlinkSync('../secret', join(backbone, 'special_tokens_map.json'))
    const run = await makeRun(join(folder, 'of-linked'), 'method=full', `backbone=${backbone}`)
    await expect(exported(run, out)).rejects.toThrow(
      /special_tokens_map\.json: is a link to .*secret, which is not in its folder\./,
    )
    expect(readdirSync(folder).filter((name) => name.includes('linked-out'))).toEqual([])
  },
)
