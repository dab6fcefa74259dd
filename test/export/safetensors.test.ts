import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors, writeSafetensors } from '../../src/base/safetensors/safetensors.js'
import { exportRun } from '../../src/format/export.js'
import { openTrainedRun } from '../../src/run/trained_run.js'
import { engines, useEngine } from '../support/engines.js'
import { logitsOf, makeBackbone, makeRun } from './made_run.js'

const folder = mkdtempSync(join(tmpdir(), 'export-'))
afterAll(() => rmSync(folder, { recursive: true }))
const out = join(folder, 'out')
const options = { format: 'safetensors', out, force: false, progress: silent } as const

const RESULT = {
  ...{ validation: {}, test: {}, steps: 40, seconds: 1, peak_memory_bytes: 1 },
  ...{ trained_parameters: 1, backbone_parameters: 1, share_percent: 1 },
}

beforeAll(() => useEngine(engines[0]!))

describe('an export as safetensors', () => {
  let run: string
  beforeAll(async () => {
    run = await makeRun(join(folder, 'run'), 'method.preset=compacter')
    await exportRun(run, options)
  })

  test('holds the trained tensors, the card and a README', () => {
    expect(readdirSync(out).sort()).toEqual(['README.md', 'compacter.json', 'trained.safetensors'])
    const card = JSON.parse(readFileSync(join(out, 'compacter.json'), 'utf8'))
    expect(card).toMatchObject({
      format: 'safetensors',
      method: { kind: 'compacter', n: 4 },
      backbone: { name: 't5-nano', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      task: 'rotten-tomatoes',
      metrics: null,
      trained_parameters: 18368,
    })
    expect(card.experiment.task.test).toBe('package:configs/tasks/rotten-tomatoes/test.jsonl')
  })

  test('gives the tensors and the logits of the run to the bit', async () => {
    const [ours, theirs] = [
      openSafetensors(join(out, 'trained.safetensors')),
      openSafetensors(join(run, 'best.safetensors')),
    ]
    expect([...ours.entries.keys()]).toEqual([...theirs.entries.keys()])
    for (const name of theirs.entries.keys()) expect(ours.read(name), name).toEqual(theirs.read(name))
    expect(openTrainedRun(out).experiment).toEqual(openTrainedRun(run).experiment)
    expect(await logitsOf(out)).toEqual(await logitsOf(run))
  })

  test('can be exported again', async () => {
    const again = join(folder, 'again')
    await exportRun(out, { ...options, out: again })
    expect(readFileSync(join(again, 'trained.safetensors'))).toEqual(readFileSync(join(out, 'trained.safetensors')))
  })

  test('is refused where the target exists, and replaced with --force', async () => {
    await expect(exportRun(run, options)).rejects.toThrow(`${out}: exists already. Replace it with --force.`)
    writeFileSync(join(out, 'old'), '')
    await exportRun(run, { ...options, force: true })
    expect(readdirSync(out).sort()).toEqual(['README.md', 'compacter.json', 'trained.safetensors'])
  })

  test('--force replaces only exports', async () => {
    const precious = join(folder, 'precious')
    mkdirSync(precious)
    writeFileSync(join(precious, 'thesis.tex'), 'x')
    await expect(exportRun(run, { ...options, out: precious, force: true })).rejects.toThrow(
      `${precious}: is not an export: it has no compacter.json. --force replaces exports only. Choose another --out.`,
    )
    expect(readdirSync(precious)).toEqual(['thesis.tex'])
  })

  test("is refused of tensors that are not the run's: another, a missing one, another shape, another step", async () => {
    const forged = await makeRun(join(folder, 'forged'), 'method.preset=compacter')
    const best = join(forged, 'best.safetensors')
    const whole = openSafetensors(best)
    const tensors = [...whole.entries.values()].map(
      ({ name, shape }) => [name, { shape, data: whole.read(name) }] as const,
    )
    const [first, ...rest] = tensors
    const refused = async (written: typeof tensors, message: string, metadata = {}) => {
      writeSafetensors(best, written, metadata)
      await expect(exportRun(forged, { ...options, out: join(folder, 'none') })).rejects.toThrow(`${best}: ${message}`)
    }
    const TOGETHER = "The file and the run's experiment.yaml do not belong together."
    const one = { shape: [1], data: Float32Array.of(1) }
    await refused([...tensors, ['other', one]], `has tensor other, which the run's method does not train. ${TOGETHER}`)
    await refused(rest, `has no tensor ${first![0]}. ${TOGETHER}`)
    await refused([[first![0], one], ...rest], `${first![0]} has the shape [1]; the method's options give [`)
    writeFileSync(join(forged, 'result.json'), JSON.stringify({ ...RESULT, best_step: 20 }))
    await refused(
      tensors,
      "holds the tensors of step 30; the run's best is step 20. Restore the file of that step, or, if the training is not finished, go on with --resume.",
      {
        step: '30',
      },
    )
  })

  test('a killed export leaves nothing under its name', async () => {
    const target = join(folder, 'killed', 'out')
    const script = `
      import { writeFolder } from '${packageRoot}/src/format/folder.ts'
      import { writeFileSync } from 'node:fs'
      await writeFolder('${target}', false, async (folder) => {
        writeFileSync(folder + '/compacter.json', '{}')
        console.log('half')
        await new Promise((done) => setTimeout(done, 60000))
      })`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: packageRoot,
    })
    await new Promise((half) => child.stdout.once('data', half))
    child.kill('SIGKILL')
    await new Promise((ended) => child.once('close', ended))
    expect(existsSync(target)).toBe(false)
    expect(readdirSync(join(folder, 'killed'))).toEqual([expect.stringMatching(/^\.out\.\w{6}$/)])
  })

  test('a failed export leaves nothing at all', async () => {
    const parent = join(folder, 'failed')
    mkdirSync(parent)
    rmSync(join(folder, 'broken'), { recursive: true, force: true })
    const broken = await makeRun(join(folder, 'broken'), 'method.preset=compacter')
    writeFileSync(join(broken, 'best.safetensors'), 'short')
    await expect(exportRun(broken, { ...options, out: join(parent, 'out') })).rejects.toThrow('has 5 bytes, too few')
    expect(readdirSync(parent)).toEqual([])
  })
})

test.each([
  ['full', ['method=full']],
  ['adapter', ['method=adapter', 'method.layer_norm=both']],
  ['low-rank-adapter', ['method=low-rank-adapter']],
  ['compacter with a drawn rule', ['method=compacter', 'method.n=2', 'method.rank=2', 'method.learn_rule=false']],
  ['bitfit', ['method=bitfit']],
  ['vera', ['method=vera', 'method.rank=8', 'method.projection_seed=3']],
  ['prompt-tuning-t', ['method=prompt-tuning-t']],
  ['prefix-tuning', ['method=prefix-tuning', 'method.bottleneck=7']],
  ['intrinsic-said', ['method=intrinsic-said', 'method.dimension=300']],
  ['a trained head on a trimmed vocabulary', ['method.train_lm_head=true', 'backbone.trim_vocabulary=true']],
  ['compacter on T5 v1.1', ['method.reduction_factor=6', `backbone=${join(folder, 'v1.1')}`]],
])('gives the logits of the run to the bit: %s', async (name, sets) => {
  await makeBackbone(join(folder, 'v1.1'))
  const [run, target] = [join(folder, name), join(folder, `${name}-out`)]
  await makeRun(run, ...sets)
  await exportRun(run, { ...options, out: target })
  expect(await logitsOf(target)).toEqual(await logitsOf(run))
})

describe('a hostile export is one clear error', () => {
  const hostile = join(folder, 'hostile')
  const at = join(hostile, 'compacter.json')
  const card = () => JSON.parse(readFileSync(join(out, 'compacter.json'), 'utf8'))
  const forged = (change: (card: ReturnType<typeof JSON.parse>) => void) => {
    const forged = card()
    change(forged)
    return JSON.stringify(forged)
  }

  test.each([
    ['a card of 2 MB', () => ' '.repeat(2_000_000), ': has 2000000 bytes; at most 1000000 are read. Do not trust it.'],
    ['no JSON', () => '{', ':1:2: is damaged: it is cut short.'],
    [
      'lists nested half a million deep',
      () => '['.repeat(450_000) + ']'.repeat(450_000),
      ': is damaged: it nests deeper than 100.',
    ],
    [
      'a way out of the toolkit',
      () => forged((card) => (card.experiment.task.test = 'package:../../etc/passwd')),
      ': names the file "package:../../etc/passwd", which leads out of the toolkit.',
    ],
    [
      'an unknown key',
      () => forged((card) => (card.run = 'rm -rf /')),
      ': is damaged: the whole: Unrecognized key: "run".',
    ],
    [
      'a method of another kind',
      () => forged((card) => (card.experiment.method.kind = 'hyper')),
      /:1:\d+: is damaged: experiment\.method\.kind: Invalid/,
    ],
    [
      'no hash',
      () => forged((card) => (card.backbone.sha256 = '../..')),
      /:1:\d+: is damaged: backbone\.sha256: Invalid string/,
    ],
  ])('%s', (_, text, expected) => {
    mkdirSync(hostile, { recursive: true })
    writeFileSync(at, text())
    expect(() => openTrainedRun(hostile)).toThrow(at)
    expect(() => openTrainedRun(hostile)).toThrow(expected)
  })
})
