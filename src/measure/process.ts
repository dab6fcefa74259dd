import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../base/error.js'
import { startProgram } from '../base/program.js'
import type { Answer } from './child.js'
import type { Measured, Trial } from './trial.js'

/** The most bytes of a process's stderr that an error shows. */
const SHOWN = 2000

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/**
 * Measures a trial in a process of its own, so that its peak of memory is its own.
 * @throws UserError with the process's complaint, or where it was killed.
 */
export async function measureApart(trial: Trial): Promise<Measured> {
  const here = import.meta.url
  const child = fork(fileURLToPath(new URL(`./child${extname(here)}`, here)), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let answer: Answer | undefined
  child.on('message', (message: Answer) => {
    answer = message
  })
  child.send(trial)
  const ended = await endOf(child)
  if (!answer) throw killed(ended)
  if ('complaint' in answer) throw new UserError(answer.complaint)
  return answer.measured
}

/** Runs a program to its end. @throws Error as spawn does where the program does not exist. */
export async function runProgram(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return endOf(startProgram(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** Says why a process left no result. The kernel kills a process that needs more memory than there is by SIGKILL. */
export function killed({ code, signal, stderr }: Ended): Error {
  if (signal === 'SIGKILL') {
    return new UserError({
      problem: 'the process was killed, as happens when memory runs out.',
      remedy: 'Try a smaller --batch.',
    })
  }
  return new Error(`the process ended with ${signal ?? `code ${code}`}:\n${stderr.slice(-SHOWN).trim()}`)
}

function endOf(child: ChildProcess): Promise<Ended> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (text) => {
    output.stdout += text
  })
  child.stderr?.on('data', (text) => {
    output.stderr = (output.stderr + text).slice(-2 * SHOWN)
  })
  const stop = () => void child.kill()
  process.once('exit', stop)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('exit', stop)
      resolve({ code, signal, ...output })
    })
  })
}
