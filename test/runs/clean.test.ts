import { createHash } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withLock } from '../../src/base/lock/lock.js'
import { silent } from '../../src/base/progress.js'
import { confirmed } from '../../src/cli/confirm.js'
import { train } from '../../src/engine/train/train.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { RESTORE_BEST } from '../../src/run/records.js'
import { trainable } from '../../src/run/trainable.js'
import { clean, planCleaning } from '../../src/runs/clean.js'
import { listRuns } from '../../src/runs/list.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { engines } from '../support/engines.js'

const { folder, file } = smallExperiment({ steps: 2, batch_size: 4, warmup_steps: 0, source_length: 16 })
const [runs, trained, other] = [join(folder, 'runs'), join(folder, 'trained'), join(folder, 'other')]
const device = { engine: engines[0]!, threads: 1, progress: silent, interrupted: () => false }
const flags = ['--engine', engines[0]!, '--threads', '1']
const path = (name: string) => join(runs, name)
const copy = (name: string) => cpSync(trained, path(name), { recursive: true })

beforeAll(async () => {
  await train(loadExperiment(file, []), { ...device, folder: trained, resume: false })
  await train(loadExperiment(file, ['training.seed=7']), { ...device, folder: other, resume: false })
  copy('done')
  copy('left') // its training was stopped after the last evaluation
  rmSync(join(path('left'), 'result.json'))
  copy('damaged')
  rmSync(join(path('damaged'), 'best.safetensors'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Every file below a folder, with a hash of what is in it. */
const filesOf = (at: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(at, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(at, name)).isFile())
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(at, name)))
          .digest('hex'),
      ]),
  )

const sizeOf = (...names: string[]) => names.reduce((sum, name) => sum + statSync(join(trained, name)).size, 0)
const REMOVED = ['checkpoint/state.safetensors', 'last.safetensors']

describe('runs clean', () => {
  test('is refused without a terminal, and does nothing with --dry-run', async () => {
    const before = filesOf(runs)
    const refused = await compacter(['runs', 'clean', runs])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(
      'there is no terminal to ask on, so nothing was removed. Look at what would be with --dry-run, then give consent with --yes.',
    )
    const { code, stdout } = await compacter(['runs', 'clean', runs, '--dry-run', '--json'])
    expect(code).toBe(0)
    const bytes = sizeOf(...REMOVED)
    expect(JSON.parse(stdout)).toEqual({
      runs: [{ folder: path('done'), bytes }],
      bytes,
      untouched: [
        { folder: path('damaged'), reason: `broken: best.safetensors: is missing. ${RESTORE_BEST}` },
        { folder: path('left'), reason: 'interrupted' },
      ],
      removed: false,
    })
    expect(filesOf(runs)).toEqual(before)
  })

  test('leaves a run that is being trained, though it was finished when it was planned', async () => {
    const planned = await planCleaning(path('done'))
    const before = filesOf(path('done'))
    await withLock(
      `${path('done')}.lock`,
      async () => {
        const { runs: cleaned, untouched } = await clean(planned)
        expect(cleaned).toEqual([])
        expect(untouched).toEqual([{ folder: path('done'), reason: expect.stringMatching(/^running: process \d+ on/) }])
      },
      { busy: () => {}, say: () => {} },
    )
    expect(filesOf(path('done'))).toEqual(before)
  })

  test('removes checkpoint and last tensors of finished runs and nothing else', async () => {
    const before = filesOf(runs)
    const { code, stdout, stderr } = await compacter(['runs', 'clean', runs, '--yes'])
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/done +│ +[\d.]+ KiB/)
    expect(stdout).toContain(`Left as it is: ${path('left')}: interrupted\n`)
    const after = filesOf(runs)
    const gone = REMOVED.map((name) => `done/${name}`)
    expect(Object.keys(before).filter((name) => !(name in after))).toEqual(gone)
    const changed = Object.keys(after).filter((name) => after[name] !== before[name])
    expect(changed).toEqual(['done/manifest.json'])
    const [manifest, old] = [path('done'), trained].map((at) =>
      JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8')),
    )
    expect(manifest).toEqual({ ...old, cleaned: { at: expect.any(String), bytes: sizeOf(...REMOVED) } })
    expect((await listRuns(path('done'), {})).runs).toMatchObject([{ state: 'finished', cleaned: true }])
    expect((await planCleaning(path('done'))).runs).toEqual([])
  })

  test('follows no link, keeps what others put next to the checkpoint, and goes on with other runs', async () => {
    const [mixed, away] = [join(folder, 'mixed'), join(folder, 'away')]
    const at = (name: string) => join(mixed, name)
    const more = ['folder', 'last', 'state', 'notes', 'no-manifest', 'plain', 'pipe']
    for (const name of more) cpSync(trained, at(name), { recursive: true })
    mkdirSync(away)
    const linked = (run: string, name: string) => {
      renameSync(join(at(run), name), join(away, run))
      symlinkSync(join(away, run), join(at(run), name))
    }
    linked('folder', 'checkpoint')
    linked('last', 'last.safetensors')
    linked('state', 'checkpoint/state.safetensors')
    writeFileSync(join(at('notes'), 'checkpoint', 'notes.txt'), 'mine')
    rmSync(join(at('no-manifest'), 'manifest.json'))
    rmSync(join(at('pipe'), 'checkpoint'), { recursive: true })
    writeFileSync(join(at('pipe'), 'checkpoint'), 'a file')
    const [before, elsewhere] = [filesOf(mixed), filesOf(away)]
    const { code, stdout, stderr } = await compacter(['runs', 'clean', mixed, '--yes'])
    expect(code, stderr).toBe(0)
    for (const line of [
      `Left as it is: ${at('folder')}: checkpoint is a link.`,
      `Left as it is: ${at('last')}: last.safetensors is a link.`,
      `Left as it is: ${at('state')}: checkpoint/state.safetensors is a link.`,
      `Left as it is: ${at('pipe')}: checkpoint is a file.`,
      `Left as it is: ${at('no-manifest')}: broken: manifest.json: is missing. Restore it from a copy.`,
      `Stays, as training did not write it: ${at('notes')}/checkpoint/notes.txt`,
    ])
      expect(stdout).toContain(`${line}\n`)
    const after = filesOf(mixed)
    expect(Object.keys(before).filter((name) => !(name in after))).toEqual(
      ['notes', 'plain'].flatMap((name) => REMOVED.map((file) => `${name}/${file}`)),
    )
    expect(filesOf(away)).toEqual(elsewhere)
    expect((await listRuns(at('notes'), {})).runs).toMatchObject([{ state: 'finished', cleaned: true }])
  })

  test('leaves a run whose checkpoint became a link since it was planned', async () => {
    const late = join(folder, 'late')
    cpSync(trained, late, { recursive: true })
    const planned = await planCleaning(late)
    renameSync(join(late, 'checkpoint'), join(folder, 'late-checkpoint'))
    symlinkSync(join(folder, 'late-checkpoint'), join(late, 'checkpoint'))
    const before = filesOf(late)
    expect(await clean(planned)).toEqual({
      ...{ runs: [], bytes: 0 },
      untouched: [{ folder: late, reason: 'checkpoint is a link.' }],
    })
    expect(filesOf(late)).toEqual(before)
  })

  test.each([
    ['eval', ['eval', path('done'), ...flags, '--json']],
    ['predict', ['predict', path('done'), 'a good film', ...flags, '--json']],
    ['export', ['export', path('done'), '--format', 'safetensors', '--out', join(folder, 'out'), '--force', '--json']],
    ['report', ['report', path('done'), '--format', 'markdown']],
    ['compare', ['compare', path('done'), other, '--by', 'run', '--json']],
  ])('a cleaned run still works with %s, as before', async (_, args) => {
    const [now, before] = [args, args.map((arg) => (arg === path('done') ? trained : arg))]
    const [cleaned, whole] = [await compacter(now), await compacter(before)]
    expect(cleaned.code, cleaned.stderr + cleaned.stdout).toBe(0)
    expect(cleaned.stdout.replaceAll(path('done'), trained)).toBe(whole.stdout)
  })

  test('train --resume says that the run was cleaned', async () => {
    const notes: string[] = []
    const progress = { ...silent, note: (line: string) => void notes.push(line) }
    const goOn = (...sets: string[]) =>
      train(trainable(path('done'), { sets, resume: true }).experiment, {
        ...device,
        progress,
        folder: path('done'),
        resume: true,
      })
    await goOn()
    expect(notes.at(-1)).toMatch(
      /^The run is finished already\. It was cleaned on \d{4}-\d\d-\d\d: `compacter runs clean` removed its checkpoint, so it can't become longer\.$/,
    )
    await expect(goOn('training.steps=4')).rejects.toThrow(
      /done: was cleaned on [\d-]+: `compacter runs clean` removed the checkpoint to go on from\. Restore the checkpoint, or start a new run from its best tensors: --set training\.start_from=/,
    )
  })
})

describe('a question', () => {
  const terminal = (answer: string) => {
    const input = Object.assign(new PassThrough(), { isTTY: true })
    const output = Object.assign(new PassThrough(), { isTTY: true })
    input.end(answer)
    return { input, output }
  }

  test.each([
    ['y\n', true],
    ['YES\n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('answered by %j gives %j', async (answer, expected) => {
    const asked = terminal(answer)
    expect(await confirmed('Remove them?', asked)).toBe(expected)
    expect(String(asked.output.read())).toContain('Remove them? [y/N] ')
  })
})
