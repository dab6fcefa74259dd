import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadSweep } from '../../src/sweep/plan/load.js'
import { batchScript } from '../../src/sweep/slurm/script.js'
import { newFolder } from '../report/runs.js'

const folder = newFolder()
const indices = [0, 1]

/** The options of the sweep file, or what is wrong with it. */
function optionsOf(slurm: unknown) {
  const file = join(folder, 'trial.yaml')
  writeFileSync(file, JSON.stringify({ experiment: 'quickstart', axes: { 'training.seed': [0] }, slurm }))
  return loadSweep(file).slurm
}

const WORD = 'it must be one word of letters, digits and any of . , : @ % + = / - and _.'

describe('an option that holds more than its value is refused', () => {
  test.each([
    ['partition', 'gpu\ntouch /tmp/owned\n#'],
    ['account', 'lab\r\nid'],
    ['time', '1:00 --wrap=id'],
    ['memory', '8G\u2028id'],
    ['memory', ''],
    ['account', '"lab'],
  ])('%s: %j', (key, value) => {
    expect(() => optionsOf({ [key]: value })).toThrow(`slurm.${key} is ${JSON.stringify(value)}; ${WORD}`)
  })

  test('lines: an entry of two lines', () => {
    const text = '#SBATCH --mem=1G\ntouch /tmp/owned'
    const message = `slurm.lines.0 is ${JSON.stringify(text)}; it must be one line. Give each line as an entry of its own.`
    expect(() => optionsOf({ lines: [text] })).toThrow(message)
  })
})

test('values that sbatch accepts are accepted', () => {
  const slurm = {
    ...{ partition: 'gpu,long_2', account: 'lab@site', time: '1-12:00:00', memory: '8G' },
    lines: ['#SBATCH --mail-type=END', 'module load "cuda/12"'],
  }
  expect(optionsOf(slurm)).toEqual(slurm)
})

describe("a folder's name in the script", () => {
  test.each([
    ['a\n#\ntouch owned', '\n'],
    ['a\rb', '\r'],
    ['a\x1b[31m', '\x1b'],
    ['a\\b', '\\'],
  ])('%j is refused', (name, bad) => {
    const path = join(folder, name)
    expect(() => batchScript({ folder: path, indices, slurm: {} })).toThrow(
      `${join(path, 'logs')}: SLURM can't write logs there: the path holds ${JSON.stringify(bad)}. Choose another folder with --dir.`,
    )
  })

  test('is one word of the shell, whatever is in it', () => {
    const owned = join(folder, 'owned')
    const path = join(folder, `a b'; touch ${owned}; $(touch ${owned}) "\`touch ${owned}\` %a`)
    const script = batchScript({ folder: path, indices, slurm: {} })
    mkdirSync(join(folder, 'bin'))
    // A program in Node's place that tells its arguments, one a line.
    const printer = join(folder, 'bin', 'node')
    writeFileSync(printer, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 })
    const told = script.replace(/^node=.*$/m, `node=${printer}`)
    const env = { ...process.env, SLURM_ARRAY_TASK_ID: '1', SLURM_CPUS_PER_TASK: '2' }
    const stdout = execFileSync('bash', ['-c', told], { env, encoding: 'utf8' })
    expect(stdout.split('\n').slice(1)).toEqual(['sweep', 'cell', path, '1', '--threads', '2', ''])
    expect(existsSync(owned)).toBe(false)
  })
})

test('a cell of several ranks is started by srun, each with its cores', () => {
  const script = (slurm: object) => batchScript({ folder, indices, slurm })
  const cell = (slurm: object) => /^.*sweep cell.*$/m.exec(script(slurm))![0].replaceAll(folder, 'DIR')
  expect(script({ ranks: 4 })).toContain('\n#SBATCH --ntasks=4\n')
  expect(script({ ranks: 4 })).not.toContain('--nodes=1')
  expect(cell({ ranks: 4, cpus: 2 })).toBe(
    'srun --mpi=pmix --ntasks=4 --cpus-per-task=2 "$node" "$compacter" sweep cell DIR "$SLURM_ARRAY_TASK_ID" --mpi &',
  )
  expect(script({ ranks: 4 })).toContain('scancel --signal=TERM $SLURM_JOB_ID') // srun itself would kill them
  expect(script({})).toContain('\n#SBATCH --nodes=1 --ntasks=1\n')
  expect(cell({})).toBe('"$node" "$compacter" sweep cell DIR "$SLURM_ARRAY_TASK_ID" --threads "$threads" &')
})
