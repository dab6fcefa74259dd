import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Started {
  process: ChildProcess
  ended: Promise<Ended>
}

/**
 * Starts the built command line in a real process, behind another program such as unshare where there is one; nothing
 * is on its standard input, or what the test writes there.
 */
export function start(
  args: string[],
  env: NodeJS.ProcessEnv = {},
  input: 'ignore' | 'pipe' = 'ignore',
  behind: string[] = [],
): Started {
  const [program = '', ...rest] = [...behind, process.execPath, join(packageRoot, 'bin', 'run.js'), ...args]
  const child = spawn(program, rest, {
    env: { ...process.env, ...env },
    stdio: [input, 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout!.on('data', (text) => (output.stdout += text))
  child.stderr!.on('data', (text) => (output.stderr += text))
  return { process: child, ended: new Promise((done) => child.on('close', (code) => done({ code, ...output }))) }
}

export const compacter = (args: string[], env?: NodeJS.ProcessEnv): Promise<Ended> => start(args, env).ended

/** A small experiment on the bundled backbone: the first rows of Rotten Tomatoes, in a folder of its own. */
export function smallExperiment(training: Record<string, unknown>): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'compacter-'))
  const data = join(packageRoot, 'configs/tasks/rotten-tomatoes')
  const cut = (split: string, rows: number[]) => {
    const lines = readFileSync(join(data, `${split}.jsonl`), 'utf8').split('\n')
    writeFileSync(join(folder, `${split}.jsonl`), rows.map((row) => `${lines[row]}\n`).join(''))
  }
  const spread = (count: number, of: number) => Array.from({ length: count }, (_, i) => Math.floor((i * of) / count))
  cut('train', spread(64, 8530))
  cut('validation', spread(20, 1066))
  cut('test', spread(20, 1066))
  const experiment = {
    name: 'small',
    backbone: 't5-nano',
    method: 'compacter',
    task: {
      name: 'small',
      train: 'train.jsonl',
      validation: 'validation.jsonl',
      test: 'test.jsonl',
      prompt: 'sentence: {text}',
    },
    training,
  }
  const file = join(folder, 'small.yaml')
  writeFileSync(file, JSON.stringify(experiment)) // YAML is a superset of JSON
  return { folder, file }
}
