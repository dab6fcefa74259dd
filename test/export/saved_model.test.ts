import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { prepareBackbone } from '../../src/engine/prepare/prepare.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { exportRun } from '../../src/format/export.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { smallExperiment } from '../support/cli.js'
import { expectClose } from '../support/close.js'
import { hasEngine, useEngine } from '../support/engines.js'
import { makeBackbone, makeRun } from './made_run.js'
import { outputsOf, padded, type Rows, servedOutputs, untilEnd } from './served.js'

/** A Python with tensorflow and tokenizers; the tests that need one are left out without it. */
const python = process.env.COMPACTER_TENSORFLOW_PYTHON
const withPython = python
  ? ''
  : ' (left out: COMPACTER_TENSORFLOW_PYTHON names no Python with tensorflow and tokenizers)'

const folder = mkdtempSync(join(tmpdir(), 'export-saved-model-'))
afterAll(() => rmSync(folder, { recursive: true }))

/**
 * Rows of several lengths, alone and together, one that holds the padding id, and one longer than the furthest relative
 * position.
 */
const batches: Rows[] = [
  [
    [13, 40, 7, 0, 21, 1],
    [9, 52, 33, 1],
    [9, 1],
  ],
  [[9, 52, 33, 1]],
  [[...Array.from({ length: 170 }, (_, i) => 3 + ((i * 37) % 90)), 1]],
]

const SOME = 'method.placement={encoder_layers: [1], decoder_layers: [1]}'

const cases = (
  [
    ['full', ['method=full']],
    ['adapter', ['method=adapter', 'method.layer_norm=both']],
    ['parallel-adapter', ['method=parallel-adapter', 'method.nonlinearity=mish']],
    ['low-rank-adapter, elu', ['method=low-rank-adapter', 'method.nonlinearity=elu']],
    ['compacter', ['method=compacter', 'method.n=2', 'method.rank=2']],
    ['compacter with a drawn rule', ['method=compacter', 'method.learn_rule=false']],
    ['compacter with shared blocks', ['method=compacter', 'method.blocks=shared', 'method.train_lm_head=true']],
    ['phm-adapter', ['method=phm-adapter', 'method.n=2']],
    ['bitfit', ['method=bitfit']],
    ['vera', ['method=vera', 'method.rank=8', 'method.targets=[q, wo]']],
    ['prompt-tuning-r', ['method=prompt-tuning-r']],
    ['prefix-tuning', ['method=prefix-tuning', 'method.bottleneck=7']],
    [
      'prefix-tuning of some layers on T5 v1.1',
      ['method=prefix-tuning', 'method.bottleneck=none', SOME, 'backbone=V1.1'],
    ],
    ['intrinsic', ['method=intrinsic', 'method.dimension=300']],
    ['intrinsic-said', ['method=intrinsic-said', 'method.dimension=300']],
    ['compacter on a trimmed vocabulary', ['method=compacter', 'backbone.trim_vocabulary=true']],
    ['compacter on T5 v1.1', ['method=compacter', 'method.n=2', 'method.reduction_factor=6', 'backbone=V1.1']],
    ['full on T5 v1.1', ['method=full', 'backbone=V1.1']],
    ['full, padded with 7', ['method=full', 'backbone=PADDED']],
  ] as const
).map(([name, sets]) => ({
  name,
  target: name.includes(' on T5 v1.1') ? 40 : 9, // there the furthest relative position is 20
  sets: sets.map((set) => set.replace('V1.1', join(folder, 'v1.1')).replace('PADDED', join(folder, 'padded'))),
  run: join(folder, name, 'run'),
  out: join(folder, name, 'out'),
}))

/**
 * What hidden states may differ by, of the largest. Shared blocks go through every adapter, so that their noise is
 * magnified: one bit more or less in the last place of the trained tensors moves hidden states of the long row by up to
 * 1.3e-5 (1.3e-6 for `compacter`), and another order of sums in a kernel by as much: SavedModel 1.6e-5, WebAssembly
 * 0.7e-5; root mean square 4e-7.
 */
const toleranceOf = (name: string): number => (name === 'compacter with shared blocks' ? 3e-5 : 1e-5)

const changeJson = (file: string, changes: object) =>
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }))

const exported = (run: string, out: string, force = false) =>
  exportRun(run, { format: 'saved-model', out, force, progress: silent })

describe.skipIf(!hasEngine('tensorflow'))('a SavedModel', () => {
  beforeAll(async () => {
    await useEngine('tensorflow')
    await makeBackbone(join(folder, 'v1.1'))
    cpSync(join(packageRoot, 'configs/backbones/t5-nano'), join(folder, 'padded'), { recursive: true })
    changeJson(join(folder, 'padded', 'config.json'), { pad_token_id: 7 })
    changeJson(join(folder, 'padded', 'tokenizer_config.json'), { pad_token: '▁a' }) // token 7
    for (const { run, out, sets, target } of cases) {
      await makeRun(run, `training.target_length=${target}`, ...sets)
      await exported(run, out)
    }
  }, 600_000)

  test('holds graph, variables, tokenizer, card and README, and is replaced with --force only', async () => {
    const [{ run, out }] = cases as [(typeof cases)[0]]
    expect(readdirSync(out, { recursive: true }).sort()).toEqual([
      'README.md',
      'assets.extra',
      'assets.extra/tokenizer.json',
      'compacter.json',
      'saved_model.pb',
      'variables',
      'variables/variables.data-00000-of-00001',
      'variables/variables.index',
    ])
    expect(() => openTrainedRun(out)).toThrow(
      `${out}: is an export for others, of the format saved-model. Name the run itself, or an export of the format safetensors.`,
    )
    await expect(exported(run, out)).rejects.toThrow(`${out}: exists already. Replace it with --force.`)
    writeFileSync(join(out, 'variables', 'old'), '')
    await exported(run, out, true)
    expect(readdirSync(join(out, 'variables'))).not.toContain('old')
  })

  test.each(cases)(
    "gives the run's tokens and hidden states for any batch and length: $name",
    async ({ name, run, out }) => {
      const relative = toleranceOf(name)
      const [expected, served] = [await outputsOf(run, batches), servedOutputs(out, batches)]
      expect(served.tokens).toEqual(expected.tokens)
      for (const [i, hidden] of expected.hidden.entries())
        expectClose(served.hidden[i]!, hidden, { relative, name: `hidden states of batch ${i}` })
    },
  )

  test('ends a row with </s> and pads it while others go on; all end where the last does', () => {
    const { out } = cases.find(({ name }) => name === 'full')!
    const [first, , last] = servedOutputs(out, batches).outputIds
    expect(first!.map((row) => row.length)).toEqual([9, 9, 9])
    expect(first!.map((row) => row.indexOf(1))).toEqual([-1, -1, 1])
    expect(first![2]!.slice(2)).toEqual([0, 0, 0, 0, 0, 0, 0])
    expect(last![0]).not.toContain(1)
    const adapter = cases.find(({ name }) => name === 'adapter')!
    expect(servedOutputs(adapter.out, batches).outputIds[2]).toEqual([[3620, 1]])
  })

  test('pads outputs with the id of its backbone, and takes sources that are padded with any', () => {
    const { out } = cases.find(({ name }) => name === 'full, padded with 7')!
    const served = servedOutputs(out, batches, 7)
    expect(servedOutputs(out, batches, 3).outputIds).toEqual(served.outputIds)
    const [zeros] = cases as [(typeof cases)[0]] // the same weights
    expect(served.tokens).toEqual(servedOutputs(zeros.out, batches).tokens)
    expect(served.outputIds[0]![2]!.slice(1)).toEqual([1, 7, 7, 7, 7, 7, 7, 7])
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain('tokenizer.enable_padding(pad_id=7)')
  })

  test('is refused on other weights of the backbone, and where a trained tensor is missing', async () => {
    const portable = join(folder, 'portable')
    await exportRun(cases[3]!.run, { format: 'safetensors', out: portable, force: false, progress: silent })
    const card = join(portable, 'compacter.json')
    writeFileSync(card, readFileSync(card, 'utf8').replace(/"sha256": "[0-9a-f]{64}"/, `"sha256": "${'f'.repeat(64)}"`))
    await expect(exported(portable, join(folder, 'none'))).rejects.toThrow(
      `${portable}: was trained on weights with SHA-256 ffffffffffff…; those in `,
    )
    const run = await makeRun(join(folder, 'damaged'), 'method=compacter')
    const tensors = join(run, 'best.safetensors')
    writeSafetensors(tensors, [['rule', { shape: [2, 2, 2], data: new Float32Array(8) }]])
    await expect(exported(run, join(folder, 'none'))).rejects.toThrow(
      `${tensors}: rule has the shape [2,2,2]; the method's options give [4,4,4]. The file and the run's experiment.yaml do not belong together.`,
    )
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })

  test('killed half-way, leaves nothing under its name', async () => {
    const target = join(folder, 'killed', 'out')
    const script = `
      import { exportRun } from '${packageRoot}/src/format/export.ts'
      import { silent } from '${packageRoot}/src/base/progress.ts'
      const phase = (name) => {
        if (name !== 'Variables') return
        console.log('half')
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000)
      }
      await exportRun(${JSON.stringify(cases[3]!.run)}, { format: 'saved-model', out: '${target}', force: false, progress: { ...silent, phase } })`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: packageRoot,
    })
    await new Promise((half) => child.stdout.once('data', half))
    child.kill('SIGKILL')
    await new Promise((ended) => child.once('close', ended))
    expect(existsSync(target)).toBe(false)
    expect(readdirSync(join(folder, 'killed'))).toEqual([expect.stringMatching(/^\.out\.\w{6}$/)])
  })

  describe.skipIf(!python)(`in Python's TensorFlow${withPython}`, () => {
    test('gives the same tokens and hidden states, all loaded at once', async () => {
      const file = join(folder, 'batches.json')
      writeFileSync(file, JSON.stringify(batches.map((rows) => padded(rows))))
      const script = join(packageRoot, 'test/oracle/saved_model.py')
      const printed = execFileSync(python!, [script, file, ...cases.map(({ out }) => out)], {
        encoding: 'utf8',
        maxBuffer: 1 << 29,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const all = JSON.parse(printed) as PythonOutputs[]
      for (const [i, { name, run }] of cases.entries()) {
        const expected = await outputsOf(run, batches)
        expect(all[i]!.output_ids.map(untilEnd), name).toEqual(expected.tokens)
        for (const [j, hidden] of expected.hidden.entries())
          expectClose(all[i]!.hidden_states[j]!.flat(2), hidden, {
            relative: toleranceOf(name),
            name: `${name}, batch ${j}`,
          })
        expect(all[i]!.signatures).toEqual(['encode', 'serving_default'])
        expect(all[i]!.variables).toContain('shared.weight:0')
      }
    }, 600_000)

    test('gives the texts that compacter gives for 100 sentences, by the lines in its README', async () => {
      const { folder: small, file } = smallExperiment({
        steps: 30,
        batch_size: 4,
        evaluate_every: 30,
        source_length: 32,
      })
      const run = join(small, 'run')
      await train(loadExperiment(file), { folder: run, resume: false, progress: silent, interrupted: () => false })
      const out = join(folder, 'trained')
      await exported(run, out)
      const sentences = readFileSync(join(packageRoot, 'configs/tasks/rotten-tomatoes/test.jsonl'), 'utf8')
        .split('\n', 100)
        .map((line) => `sentence: ${JSON.parse(line).text}`)
      const [, lines] = /```python\n(.*?)```/s.exec(readFileSync(join(out, 'README.md'), 'utf8'))!
      const program = `import json\n${lines!.replace('print(predict(["…"]))', `print(json.dumps(predict(json.loads(${JSON.stringify(JSON.stringify(sentences))}))))`)}`
      const printed = execFileSync(python!, ['-c', program], {
        cwd: out,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const { tokenizer, files } = await prepareBackbone(loadExperiment(file), silent)
      files.close()
      const rows = await tokenizer.encode(sentences, 32)
      const { tokens } = await outputsOf(run, [rows.map((row) => [...row])])
      const texts = tokens[0]!.map((row) => tokenizer.decode(row))
      expect(texts).toHaveLength(100)
      expect(new Set(texts).size).toBeGreaterThan(1)
      expect(JSON.parse(printed)).toEqual(texts)
      rmSync(small, { recursive: true })
    }, 600_000)
  })
})

interface PythonOutputs {
  variables: string[]
  signatures: string[]
  output_ids: number[][][]
  hidden_states: number[][][][]
}

test('is refused where TensorFlow is not set up', async () => {
  const cache = join(folder, 'empty-cache')
  mkdirSync(cache)
  const run = await makeRun(join(folder, 'refused'), 'method=compacter')
  const out = join(folder, 'none')
  const script = `
    import { exportRun } from '${packageRoot}/src/format/export.ts'
    import { silent } from '${packageRoot}/src/base/progress.ts'
    await exportRun('${run}', { format: 'saved-model', out: '${out}', force: false, progress: silent }).catch((error) => console.log(error.message))`
  const printed = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: packageRoot,
    encoding: 'utf8',
    env: { ...process.env, COMPACTER_CACHE: cache },
  })
  expect(printed.trim()).toBe(
    '--format saved-model: needs TensorFlow itself, which writes the variables: the native engine is not set up. Run `npm run setup`.',
  )
  expect(existsSync(out)).toBe(false)
})
