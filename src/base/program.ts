import {
  type ChildProcessWithoutNullStreams,
  type ExecFileSyncOptions,
  execFileSync,
  type SpawnOptions,
  spawn,
} from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, parse, resolve } from 'node:path'
import { packageRoot } from './root.js'

/**
 * The folder in which other programs run. In the user's folder Python would import a `csv.py` from there, and Windows
 * would prefer a program from there to one on the PATH; in the root folder only the administrator can put files.
 */
const NEUTRAL_FOLDER = parse(packageRoot).root

/**
 * Starts a program of the PATH outside the current folder. A name with a slash is a path.
 * @throws Error of code ENOENT where there is no such program.
 */
export const startProgram = (
  name: string,
  args: string[],
  options: SpawnOptions = {},
): ChildProcessWithoutNullStreams =>
  spawn(findProgram(name), args, { cwd: NEUTRAL_FOLDER, ...options }) as ChildProcessWithoutNullStreams

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  /** Its last 64 Ki characters. */
  stderr: string
}

/**
 * Waits for the end of a started program, however it ends, and ends it together with this process.
 * @throws Error as spawn does where it can't be run
 */
export function endOf(program: ChildProcessWithoutNullStreams): Promise<Ended> {
  const output = { stdout: '', stderr: '' }
  program.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  program.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr = (output.stderr + text).slice(-(2 ** 16))
  })
  const stop = () => void program.kill()
  process.once('exit', stop)
  return new Promise((resolve, reject) => {
    program.once('error', reject)
    program.once('close', (code, signal) => {
      process.off('exit', stop)
      resolve({ code, signal, ...output })
    })
  })
}

/**
 * Runs a program to its end, started as by `startProgram`, and returns what it prints.
 * @throws Error as execFileSync does.
 */
export const outputOf = (name: string, args: string[], options: ExecFileSyncOptions = {}): string =>
  execFileSync(findProgram(name), args, { cwd: NEUTRAL_FOLDER, ...options, encoding: 'utf8' })

/**
 * Returns the program's absolute path, found in the PATH's absolute folders: an empty or relative one means the current
 * folder.
 */
export function findProgram(name: string): string {
  if (/[\\/]/.test(name)) return resolve(name)
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  const endings = process.platform === 'win32' ? ['.exe', '.com', ''] : ['']
  const found = folders.flatMap((folder) => endings.map((ending) => join(folder, name + ending))).find(isProgram)
  if (found) return found
  throw Object.assign(new Error(`there is no program ${name} on the PATH`), { code: 'ENOENT' })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * Returns the environment with pip's settings made independent of the current folder: those that name a file or folder
 * relative to it get the whole path.
 */
export function pipEnvironment(env = process.env): NodeJS.ProcessEnv {
  const whole = (word: string) => (word && !isAbsolute(word) && existsSync(word) ? resolve(word) : word)
  const settings = Object.entries(env).filter(([name]) => name.startsWith('PIP_'))
  return {
    ...env,
    ...Object.fromEntries(settings.map(([name, value]) => [name, value?.split(' ').map(whole).join(' ')])),
  }
}
