import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { engines, hasEngine } from '../support/engines.js'

const engine = ['--engine', engines[0]!, '--threads', '1']
const { folder, file } = smallExperiment({
  steps: 2,
  batch_size: 4,
  warmup_steps: 1,
  evaluate_every: 2,
  checkpoint_every: 1,
  source_length: 64,
  target_length: 8,
})
const run = join(folder, 'run')
const PROGRAM = [process.execPath, join(packageRoot, 'bin', 'run.js')]
const FULL = 'the disk is full. Free some space, or write to another disk.'

beforeAll(async () => {
  const { code, stderr } = await compacter(['train', file, '--run-dir', run, ...engine])
  expect(code, stderr).toBe(0)
})
afterAll(() => rmSync(folder, { recursive: true }))

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)

describe.skipIf(process.platform !== 'linux')('standard output on a full disk (/dev/full)', () => {
  /** The command with /dev/full as its standard output, or as its standard error. */
  function onto(stream: 'stdout' | 'stderr' | 'both', args: string[]) {
    const full = openSync('/dev/full', 'w')
    const stdio = (name: string) => (stream === name || stream === 'both' ? full : ('pipe' as const))
    const options = { stdio: ['ignore' as const, stdio('stdout'), stdio('stderr')], encoding: 'utf8' as const }
    const { status, stdout, stderr } = spawnSync(PROGRAM[0]!, [PROGRAM[1]!, ...args], options)
    closeSync(full)
    return { status, stdout, stderr }
  }

  test.each([[['list', 'methods']], [['list', 'methods', '--json']], [['--help']], [['--version']]])(
    '%j says so in one line',
    (args) => {
      expect(onto('stdout', args)).toEqual({ status: 1, stdout: null, stderr: `standard output: ${FULL}\n` })
    },
  )

  test.each([
    ['eval', [run]],
    ['eval', [run, '--json']],
    ['predict', [run, '--input', join(folder, 'test.jsonl')]],
  ])('%s %j ends with one line, and no place in our code', (command, args) => {
    const { status, stderr } = onto('stdout', [command, ...args, ...engine])
    expect(status).toBe(1)
    expect(lastLine(stderr)).toBe(`standard output: ${FULL}`)
    expect(stderr).not.toMatch(/ENOSPC|at .*:\d+:\d+/)
  })

  test('the exit code of an error stays, whoever can hear it', () => {
    expect(onto('stdout', ['trian', '--json']).status).toBe(2)
    expect(onto('stderr', ['trian'])).toEqual({ status: 2, stdout: '', stderr: null })
    expect(onto('both', ['list', 'methods']).status).toBe(1)
  })

  test('progress that cannot be written ends nothing', () => {
    const { status, stdout } = onto('stderr', ['eval', run, '--json', ...engine])
    expect(status).toBe(0)
    expect(JSON.parse(stdout).runs).toMatchObject([{ run, split: 'test', rows: 20 }])
  })
})

const mounts = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=4k', 'none', tmpdir()]).status === 0

describe.skipIf(!mounts)('a small disk (needs unshare and mount)', () => {
  const disk = mkdtempSync(join(tmpdir(), 'compacter-disk-'))
  afterAll(() => rmSync(disk, { recursive: true }))

  /**
   * The command with a disk of that size, or one that is read-only; `left` are the files on it afterwards, with their
   * bytes. `before` is a shell command.
   */
  function withDisk(options: string, args: string[], { before = 'true', env = {} } = {}) {
    const script = `mount -t tmpfs -o ${options} none ${disk} && cd / && ${before}; "$@"; code=$?
      (cd ${disk} && find . -type f -printf '%P %s\\n' | sort) >&3; exit $code`
    const stdio = ['ignore' as const, 'pipe' as const, 'pipe' as const, 'pipe' as const]
    const program = ['-m', 'sh', '-c', script, 'sh', ...args]
    const { status, stdout, stderr, output } = spawnSync('unshare', program, {
      encoding: 'utf8',
      stdio,
      env: { ...process.env, ...env },
    })
    const left = output[3]!.split('\n').filter(Boolean)
    return { status, stdout, lastLine: lastLine(stderr), stderr, left }
  }

  test('output that the disk takes only in part does not count as written', () => {
    const before = `head -c 2000 /dev/zero > ${disk}/out`
    const command = ['sh', '-c', `"$@" >> ${disk}/out`, 'sh', ...PROGRAM, 'list', 'tasks', '--json']
    const { status, stderr, left } = withDisk('size=4k', command, { before })
    expect({ status, stderr, left }).toEqual({
      status: 1,
      stderr: `standard output: ${FULL}\n`,
      left: ['out 4096'],
    })
  })

  const native = hasEngine('tensorflow') ? (['saved-model'] as const) : []
  test.each([...native, 'adapterhub', 'opendelta', 'safetensors'] as const)('export --format %s', (format) => {
    const out = join(disk, 'out')
    const { status, lastLine, left } = withDisk('size=16k', [
      ...PROGRAM,
      'export',
      run,
      '--format',
      format,
      '--out',
      out,
    ])
    expect({ status, left }).toEqual({ status: 1, left: [] })
    expect(lastLine).toMatch(/^\S*\/out(\/[\w.]+)?: the disk is full\. Free some space, or write to another disk\.$/)
    expect(lastLine!.startsWith(out)).toBe(true)
  })

  test('train: the checkpoint has no room, and existing files are whole', () => {
    const { status, lastLine, left } = withDisk('size=48k', [
      ...PROGRAM,
      'train',
      file,
      '--run-dir',
      join(disk, 'run'),
      ...engine,
    ])
    expect({ status, lastLine }).toEqual({ status: 1, lastLine: `${disk}/run/checkpoint/state.safetensors: ${FULL}` })
    expect(left.map((each) => each.split(' ')[0])).toEqual(['run/experiment.yaml', 'run/manifest.json'])
  })

  test('train: a log has no room for a line, and has no part of it', () => {
    const script = `
      import { appendMetrics } from './src/run/log/metrics_log.ts'
      for (let step = 1; ; step++) appendMetrics(process.argv[1], { step, loss: 1.25, learning_rate: 0.001 })`
    const args = ['--import', 'tsx', '--input-type=module', '-e', script, join(disk, 'metrics.jsonl')]
    const command = ['sh', '-c', 'cd "$0" && exec "$@"', packageRoot, process.execPath, ...args]
    const { stderr, left } = withDisk('size=4k', command)
    expect(stderr).toContain(`UserError: ${disk}/metrics.jsonl: ${FULL}`)
    const line = Buffer.byteLength('{"step":10,"loss":1.25,"learning_rate":0.001}\n')
    // 9 lines have a digit less
    expect(left).toEqual([`metrics.jsonl ${line * Math.floor((4096 + 9) / line) - 9}`])
  })

  test('predict --output and eval --predictions', () => {
    const rows = join(disk, 'rows.jsonl')
    for (const output of [rows, join(disk, 'rows.csv')]) {
      const input = ['--input', join(folder, 'train.jsonl'), '--scoring', 'rank']
      const predicted = withDisk('size=4k', [...PROGRAM, 'predict', run, ...input, '--output', output, ...engine])
      expect(predicted).toMatchObject({ status: 1, lastLine: `${output}: ${FULL}`, left: [] })
    }
    const evaluated = withDisk('size=4k', [
      ...PROGRAM,
      'eval',
      run,
      '--scoring',
      'rank',
      '--predictions',
      rows,
      ...engine,
    ])
    expect(evaluated).toMatchObject({ status: 1, lastLine: `${rows}: ${FULL}`, left: [] })
  })

  test('eval --predictions has no room for what they were made with, and says so', () => {
    const rows = join(disk, 'rows.jsonl')
    const before = `head -c 49152 /dev/zero > ${disk}/others`
    const args = [...PROGRAM, 'eval', run, '--predictions', rows, ...engine]
    const whole = withDisk('size=128k', args)
    expect(whole.status, whole.stderr).toBe(0)
    const [written, madeWith] = whole.left
    expect(madeWith).toMatch(/^rows\.jsonl\.manifest\.json \d+$/)
    const pages = Math.ceil(Number(written!.split(' ')[1]) / 4096)
    const { status, lastLine, left } = withDisk(`size=${48 + 4 * pages}k`, args, { before })
    expect({ status, lastLine }).toEqual({ status: 1, lastLine: `${rows}.manifest.json: ${FULL}` })
    expect(left).toEqual(['others 49152', written])
  })

  test('a sweep tells of each cell, and no cell is noted that is not', () => {
    writeFileSync(join(folder, 'seeds.yaml'), 'experiment: small.yaml\naxes: { training.seed: [0, 1] }\n')
    const sweep = ['sweep', 'run', join(folder, 'seeds.yaml'), '--dir', join(disk, 'sweep'), ...engine]
    const { status, stderr } = withDisk('size=60k', [...PROGRAM, ...sweep])
    expect(status).toBe(1)
    for (const seed of [0, 1])
      expect(stderr).toMatch(new RegExp(`^Warning: seed${seed} failed: ${disk}/sweep/seed${seed}\\S*: ${FULL}$`, 'm'))
    expect(stderr).not.toContain('ENOSPC')
  })

  test('a read-only disk', () => {
    const trained = withDisk('ro', [...PROGRAM, 'train', file, '--run-dir', join(disk, 'run'), ...engine])
    expect(trained).toMatchObject({
      status: 1,
      lastLine: `${disk}/run: a run can't be written there: the file system is read-only. Choose another folder with --run-dir.`,
    })
    const env = { COMPACTER_CACHE: join(disk, 'cache') }
    const setup = withDisk('ro', [...PROGRAM, 'setup'], { env })
    expect(setup).toMatchObject({
      status: 1,
      lastLine: `${disk}/cache/engines: the file system is read-only. Choose another folder.`,
    })
    const cached = withDisk('ro', [...PROGRAM, 'train', file, '--run-dir', join(folder, 'r'), '--engine', 'wasm'], {
      env,
    })
    expect(cached.status, cached.stderr).toBe(0)
    expect(cached.stderr).toContain(
      `Warning: Tokens are kept for this run only. ${disk}/cache/tokens: the file system is read-only. Choose another folder.\n`,
    )
  })

  test('subsets of a task', () => {
    mkdirSync(join(folder, 'subsets'), { recursive: true })
    const args = ['subsample', file, '--size', '40', '--seeds', '30', '--out', join(disk, 'subsets')]
    const { status, lastLine } = withDisk('size=16k', [...PROGRAM, ...args])
    expect(status).toBe(1)
    expect(lastLine).toMatch(new RegExp(`^${disk}/subsets\\S*: ${FULL}$`))
  })
})
