import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { compacter, smallExperiment } from '../support/cli.js'
import { expectClose } from '../support/close.js'
import { hasEngine } from '../support/engines.js'
import { ranksOf } from '../support/launched_ranks.js'
import { type Launcher, launchers, startRanks } from '../support/launchers.js'

const STEPS = 12
const training = { steps: STEPS, batch_size: 4, evaluate_every: 6, checkpoint_every: 4, source_length: 32 }
const { file, folder } = smallExperiment(training)
const timeout = 600_000
const bin = join('bin', 'run.js')
const train = (name: string, ...more: string[]) => ['train', file, '--run-dir', join(folder, name), ...more]

const lines = (name: string): Record<string, number | string>[] => {
  const metrics = join(folder, name, 'metrics.jsonl')
  const text = existsSync(metrics) ? readFileSync(metrics, 'utf8') : ''
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}
const losses = (name: string) =>
  lines(name).flatMap(({ loss, split }) => (loss === undefined || split ? [] : [loss as number]))
const validations = (name: string) => lines(name).filter(({ split }) => split)
const last = (name: string) => readFileSync(join(folder, name, 'last.safetensors')).toString('base64')

/** Starts ranks that train into a folder, and signals one of them when so many lines are logged. */
async function signalled(launcher: Launcher, name: string, signal: NodeJS.Signals, rank: number, after: number) {
  const started = startRanks(launcher, 2, [bin, ...train(name, '--mpi')])
  let ended = false
  void started.ended.then(() => (ended = true))
  while (lines(name).length < after && !ended) await new Promise((resolve) => setTimeout(resolve, 5))
  process.kill(ranksOf(join(folder, name)).get(rank)!, signal)
  return started.ended
}

test.each([
  [{ OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4' }, 'mpirun started this process as rank 1 of 4'],
  [{ SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '2' }, 'srun started this process as rank 0 of 2'],
])('one of several processes without --mpi stops at once: %o', async (env, said) => {
  const { code, stdout, stderr } = await compacter(train('several'), env)
  expect(stderr).toBe(
    `${said}, and each of them would do the same work. Share it between them with --mpi, or start one process.\n`,
  )
  expect([code, stdout, existsSync(join(folder, 'several'))]).toEqual([2, '', false])
})

test('srun without PMI is refused with what helps', async () => {
  const { code, stderr } = await compacter(train('several', '--mpi'), { SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '2' })
  expect(stderr).toBe(
    "--mpi: srun started 2 processes without PMI: they can't reach each other. Start them with `srun --mpi=pmix`; `srun --mpi=list` names what this SLURM has.\n",
  )
  expect(code).toBe(2)
})

test('doctor shows the MPI library, or why there is none', async () => {
  const { code, stdout } = await compacter(['doctor', '--json'], {
    COMPACTER_MPI: '/nowhere/libmpi.so',
    COMPACTER_ENGINE: 'wasm',
  })
  expect([code, JSON.parse(stdout).mpi]).toEqual([0, expect.stringMatching(/^none: can't be loaded: /)])
})

describe.runIf(hasEngine('tensorflow'))('train --mpi', () => {
  beforeAll(async () => {
    const { code, stderr } = await compacter(train('alone', '--mpi', '--threads', '1'))
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('--mpi: no launcher started this process, so it is the only rank.')
  }, timeout)

  /** What one process prints, by its arguments: the same for all launchers. */
  const printed = new Map<string, Promise<string>>()
  const alone = (args: string[]): Promise<string> => {
    const key = args.join('\n')
    if (!printed.has(key))
      printed.set(
        key,
        compacter([...args, '--threads', '1']).then(({ stdout }) => stdout),
      )
    return printed.get(key)!
  }

  describe.each(launchers)('of $name', { timeout }, (launcher) => {
    const first = launcher === launchers[0]
    const named = (name: string) => `${launcher.name.replace(' ', '')}-${name}`

    test.runIf(first)('bench times steps that ranks share, of one method at a time', async () => {
      const bench = [bin, 'bench', '--mpi', '--backbone', 't5-nano', '--batch', '4', '--source-length', '8']
      const one = [...bench, '--method', 'compacter', '--steps', '1', '--repetitions', '2', '--json']
      const { code, stdout, stderr } = await startRanks(launcher, 2, one).ended
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject([{ method: 'compacter', ranks: 2, batch_size: 4, steps: 2 }])
      const both = await startRanks(launcher, 2, [...bench, '--method', 'compacter', '--method', 'full']).ended
      expect(both.stderr).toContain('--mpi: measures one method on one backbone at a time, and these are 2.')
      expect(both.code).toBe(2)
    })

    test('is one run of all ranks, with the losses of one process', async () => {
      const name = named('first')
      const { code, stdout, stderr } = await startRanks(launcher, 2, [bin, ...train(name, '--mpi', '--json')]).ended
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(folder, name, 'result.json'), 'utf8')))
      expectClose(losses(name), losses('alone'), { relative: 1e-5, name: 'losses' })
      expect(validations(name).map(({ loss, ...scores }) => scores)).toEqual(
        validations('alone').map(({ loss, ...scores }) => scores),
      )
      const ofRows = (name: string) => validations(name).map(({ loss }) => loss as number)
      expectClose(ofRows(name), ofRows('alone'), { relative: 1e-5, name: 'validation losses' })
      const { mpi } = JSON.parse(readFileSync(join(folder, name, 'manifest.json'), 'utf8'))
      expect(mpi.library).toMatch(new RegExp(`^${launcher.name} \\d`))
      expect(mpi.ranks.map(({ host }: { host: string }) => host)).toEqual([hostname(), hostname()])
    })

    test('evaluates and predicts as one process does', async () => {
      const run = join(folder, 'alone')
      const rows = join(folder, 'test.jsonl')
      const evaluation = ['eval', run, '--scoring', 'rank', '--json']
      const ofFile = ['predict', run, '--scoring', 'rank', '--input', rows, '--batch-size', '3', '--json']
      const ofText = ['predict', run, 'a gripping , funny film']
      for (const args of first ? [evaluation, ofFile, ofText] : [ofFile]) {
        const { code, stdout, stderr } = await startRanks(launcher, 2, [bin, ...args, '--mpi', '--threads', '1']).ended
        expect(code, stderr).toBe(0)
        expect(stdout).toBe(await alone(args))
      }
    })

    test('that one rank is asked to stop stops on all after the same step, and continues to the same bits', async () => {
      const name = named('first')
      const stopped = named('stopped')
      const { code, stderr } = await signalled(launcher, stopped, 'SIGTERM', 1, 3)
      expect(stderr).toContain('Stopped; everything so far is saved. Go on with: compacter train --resume ')
      expect(code).toBe(130)
      const steps = losses(stopped).length
      expect(steps).toBeLessThan(STEPS)
      const { code: resumed, stderr: said } = await startRanks(launcher, 2, [
        bin,
        ...train(stopped, '--mpi', '--resume'),
      ]).ended
      expect(resumed, said).toBe(0)
      expect(said).toContain(`resumed after step ${steps}`)
      expect(last(stopped)).toBe(last(name))
    })

    test('of which one rank is killed ends, and continues with another number of ranks', async () => {
      const killed = named('killed')
      const { code } = await signalled(launcher, killed, 'SIGKILL', 1, 6)
      expect(code).not.toBe(0)
      expect(ranksOf(join(folder, killed)).size).toBe(0)
      const { code: resumed, stderr } = await startRanks(launcher, 3, [bin, ...train(killed, '--mpi', '--resume')])
        .ended
      expect(resumed, stderr).toBe(0)
      expectClose(losses(killed), losses('alone'), { relative: 1e-5, name: 'losses' })
    })

    test.runIf(first)('tells which rank was started with something else', async () => {
      const name = named('differing')
      const other = ['-n', '1', process.execPath, bin, ...train(name, '--mpi', '--set', 'training.seed=7')]
      const { code, stderr } = await startRanks(launcher, 1, [bin, ...train(name, '--mpi'), ':', ...other]).ended
      expect(stderr).toMatch(
        new RegExp(
          `rank 1 on ${hostname()}: has the experiment of SHA-256 \\w{12}…; rank 0 on ${hostname()} has SHA-256 \\w{12}…\\. Start all ranks with the same experiment and --set\\.`,
        ),
      )
      expect(code).toBe(1)
      expect(existsSync(join(folder, name))).toBe(false)
    })
  })
})
