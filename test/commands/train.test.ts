import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MersenneTwister } from '../../src/base/numbers/random.js'
import { compacter, smallExperiment, start } from '../support/cli.js'
import { engine, training } from './thirty_steps.js'

const lines = (folder: string): string[] => {
  const file = join(folder, 'metrics.jsonl')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}

const untilLogged = async (folder: string, count: number, ended: () => boolean): Promise<void> => {
  while (lines(folder).length < count && !ended()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const withoutClock = { seconds: 0, step_seconds: 0, peak_memory_bytes: 0 }

/** Everything of a run that does not depend on the clock. */
const outcome = (folder: string) => ({
  last: readFileSync(join(folder, 'last.safetensors')).toString('base64'),
  best: readFileSync(join(folder, 'best.safetensors')).toString('base64'),
  metrics: lines(folder),
  answers: ['validation', 'test'].map((split) => readFileSync(join(folder, 'predictions', `${split}.jsonl`), 'utf8')),
  result: { ...JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')), ...withoutClock },
})

describe('train', () => {
  const { folder, file } = smallExperiment(training)
  const whole = join(folder, 'whole')

  test('leaves a whole run directory, and --json prints what result.json holds', async () => {
    const { code, stdout, stderr } = await compacter(['train', file, '--run-dir', whole, '--json', ...engine])
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(whole, 'result.json'), 'utf8')))
    expect(readdirSync(whole).sort()).toEqual([
      'best.safetensors',
      'checkpoint',
      'experiment.yaml',
      'last.safetensors',
      'manifest.json',
      'metrics.jsonl',
      'predictions',
      'result.json',
    ])
    const steps = lines(whole).map((line) => JSON.parse(line))
    expect(steps.filter(({ split }) => !split).map(({ step }) => step)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    )
    expect(steps.filter(({ split }) => split).map(({ step }) => step)).toEqual([10, 20, 30])
    expect(steps[0].learning_rate).toBe(0)
    const manifest = JSON.parse(readFileSync(join(whole, 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({ seed: 42, trained_parameters: 18368, backbone_parameters: 9426688, threads: 1 })
  })

  test.each([1, 2, 3])('killed at random points (%i) and resumed, it ends with the same bits', async (round) => {
    const killed = join(folder, `killed-${round}`)
    const chance = new MersenneTwister(round)
    let kills = 0
    for (let resume = false; ; resume = existsSync(join(killed, 'experiment.yaml'))) {
      const running = start(['train', file, '--run-dir', killed, ...(resume ? ['--resume'] : []), ...engine])
      let over = false
      running.ended.then(() => (over = true))
      if (kills < 3) {
        await untilLogged(killed, Math.min(30, lines(killed).length + 1 + (chance.uint32() % 12)), () => over)
        await new Promise((resolve) => setTimeout(resolve, chance.uniform() * 50))
        running.process.kill('SIGKILL')
        kills++
      }
      const { code, stderr } = await running.ended
      if (code === 0) break
      expect(code, stderr).toBeNull()
      if (!existsSync(join(killed, 'experiment.yaml'))) rmSync(killed, { recursive: true, force: true })
    }
    expect(outcome(killed)).toEqual(outcome(whole))
  })

  test('Ctrl-C saves and leaves with 130; --resume takes no other order of rows, and ends with the same bits', async () => {
    const stopped = join(folder, 'stopped')
    const running = start(['train', file, '--run-dir', stopped, ...engine])
    await untilLogged(stopped, 5, () => false)
    running.process.kill('SIGINT')
    const { code, stderr } = await running.ended
    expect(code).toBe(130)
    expect(stderr).toContain(`Stopped; everything so far is saved. Go on with: compacter train --resume ${stopped}\n`)
    const again = ['train', file, '--run-dir', stopped, '--resume', ...engine]

    // as versions left it that sorted rows by length
    const manifestFile = join(stopped, 'manifest.json')
    const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'))
    expect(manifest.row_order).toBe('random')
    const { row_order: _, ...older } = manifest
    writeFileSync(manifestFile, JSON.stringify({ ...older, git_commit: 'abc' }))
    const logged = lines(stopped)
    const refused = await compacter(again)
    expect([refused.code, refused.stderr.trimEnd().split('\n').at(-1)]).toEqual([
      1,
      `${manifestFile}: the run took its rows in another order than this version of compacter would: sorted by length in windows of 50 batches. Go on with the version that began it (${manifest.compacter}, commit abc), or start a new run with --run-dir.`,
    ])
    rmSync(manifestFile)
    expect((await compacter(again)).stderr).toContain(`${manifestFile}: is not there, and nothing else says`)
    expect(lines(stopped)).toEqual(logged)
    writeFileSync(manifestFile, JSON.stringify(manifest))

    const resumed = await compacter(again)
    expect(resumed.code, resumed.stderr).toBe(0)
    expect(resumed.stderr).toMatch(/Training, resumed after step \d+/)
    expect(outcome(stopped)).toEqual(outcome(whole))
  })

  test.skipIf(process.platform === 'win32')(
    'SIGHUP, sent twice as by a terminal that goes, saves too; resumed, it ends with the same bits',
    async () => {
      const hungUp = join(folder, 'hung-up')
      const running = start(['train', file, '--run-dir', hungUp, ...engine])
      await untilLogged(hungUp, 5, () => false)
      running.process.kill('SIGHUP')
      running.process.kill('SIGHUP')
      const { code, stderr } = await running.ended
      expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([
        130,
        `Stopped; everything so far is saved. Go on with: compacter train --resume ${hungUp}`,
      ])
      const logged = lines(hungUp).length
      const [own, others] = ['best.safetensors', 'predictions.jsonl'].map((name) => `.${name}.${randomUUID()}.tmp`)
      for (const left of [own!, others!, join('checkpoint', own!.replace('best', 'state'))])
        writeFileSync(join(hungUp, left), 'half')
      const resumed = await compacter(['train', file, '--run-dir', hungUp, '--resume', ...engine])
      expect(resumed.code, resumed.stderr).toBe(0)
      const steps = lines(whole)
        .slice(0, logged)
        .filter((line) => !line.includes('split'))
      expect(resumed.stderr).toContain(`Training, resumed after step ${steps.length}`) // none was taken again
      expect(outcome(hungUp)).toEqual(outcome(whole))
      const left = readdirSync(hungUp, { recursive: true }).filter((name) => String(name).endsWith('.tmp'))
      expect(left).toEqual([others]) // somebody may be writing it
    },
  )

  test('never overwrites a run', async () => {
    const before = outcome(whole)
    const { code, stderr } = await compacter(['train', file, '--run-dir', whole, ...engine])
    expect(code).toBe(1)
    expect(stderr).toBe(`${whole}: holds a finished run. Choose another folder with --run-dir, or delete this one.\n`)
    expect(outcome(whole)).toEqual(before)
  })

  test('resumes only with the experiment that the run began with', async () => {
    const stopped = join(folder, 'stopped')
    const { code, stderr } = await compacter([
      'train',
      file,
      '--run-dir',
      stopped,
      '--resume',
      '--set',
      'method.n=2',
      ...engine,
    ])
    expect(code).toBe(1)
    expect(stderr).toContain(
      `${join(stopped, 'experiment.yaml')}: the run was started with another method.n (4 then, 2 now). Resume with the same values, or start a new run with --run-dir.`,
    )
  })

  test('a finished run is reported again, and its end is not touched', async () => {
    const before = outcome(whole)
    const { code, stdout, stderr } = await compacter([
      'train',
      file,
      '--run-dir',
      whole,
      '--resume',
      '--json',
      ...engine,
    ])
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('The run is finished already.')
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(whole, 'result.json'), 'utf8')))
    expect(outcome(whole)).toEqual(before)
  })

  test('two processes never train one run', async () => {
    const shared = join(folder, 'shared')
    const first = start(['train', file, '--run-dir', shared, ...engine])
    await untilLogged(shared, 1, () => false)
    const second = await compacter(['train', file, '--run-dir', shared, '--resume', ...engine])
    expect(second.code).toBe(1)
    expect(second.stderr).toBe(
      `${shared}: another process is training this run: process ${first.process.pid} on ${hostname()} holds ${shared}.lock. ` +
        'Wait for it, or choose another folder with --run-dir.\n',
    )
    expect((await first.ended).code).toBe(0)
    expect(outcome(shared)).toEqual(outcome(whole))
  })

  const container = ['unshare', '-pf', '--kill-child', '--mount-proc']
  const namespaces = spawnSync(container[0]!, [...container.slice(1), 'true']).status === 0

  test.skipIf(!namespaces)(
    'a run is left alone by another container of the same host name, and resumed by the next after a kill (needs unshare)',
    async () => {
      const shared = join(folder, 'containers')
      const train = ['train', file, '--run-dir', shared, ...engine]
      const first = start(train, {}, 'ignore', container)
      await untilLogged(shared, 4, () => false)
      const second = await start([...train, '--resume'], {}, 'ignore', container).ended
      expect(second).toEqual({
        code: 1,
        stdout: '',
        stderr:
          `${shared}: another process is training this run: process 1 on ${hostname()} holds ${shared}.lock. ` +
          'Wait for it, or choose another folder with --run-dir.\n',
      })
      first.process.kill('SIGKILL')
      await first.ended
      expect(existsSync(join(shared, 'result.json'))).toBe(false)
      expect(existsSync(`${shared}.lock`)).toBe(true)
      const third = await start([...train, '--resume'], {}, 'ignore', container).ended
      expect(third.code, third.stderr).toBe(0)
      expect(third.stderr).not.toContain('.lock')
      expect(outcome(shared)).toEqual(outcome(whole))
      expect(existsSync(`${shared}.lock`)).toBe(false)
    },
  )

  test('eval scores the best checkpoint as train did', async () => {
    const { validation, test: tested } = JSON.parse(readFileSync(join(whole, 'result.json'), 'utf8'))
    for (const [split, scores] of Object.entries({ validation, test: tested })) {
      const { code, stdout, stderr } = await compacter(['eval', whole, '--split', split, '--json', ...engine])
      expect(code, stderr).toBe(0)
      const { confusion, ...report } = JSON.parse(stdout).runs[0]
      expect(report).toEqual({
        run: whole,
        task: 'small',
        split,
        scoring: 'generate',
        precision: 'float32',
        rows: 20,
        scores,
      })
      expect(confusion.counts.flat().reduce((sum: number, count: number) => sum + count, 0)).toBe(20)
    }
  })
})
