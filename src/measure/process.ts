import { extname } from 'node:path'
import { UserError } from '../base/error.js'
import { type Ended, endOf, startProgram } from '../base/program.js'
import { errorOf, runApart } from '../engine/apart/process.js'
import type { Measured, Trial } from './trial.js'

/** The most characters of a process's stderr that an error shows. */
const SHOWN = 2000

const module = new URL(`./child${extname(import.meta.url)}`, import.meta.url)

/**
 * Measures a trial in a process of its own, so that its peak of memory is its own.
 * @throws UserError with the process's complaint, or where it was killed.
 */
export async function measureApart(trial: Trial): Promise<Measured> {
  const answer = await runApart<Measured>(module, trial, { interrupted: () => false, onSaid: () => {}, saves: false })
  if (answer === 'interrupted') throw new Error('a trial was stopped that nobody stops')
  if (!('failure' in answer)) return answer
  throw answer.killed ? outOfMemory() : errorOf(answer)
}

/** Runs a program to its end. @throws Error as spawn does where the program does not exist. */
export const runProgram = async (program: string, args: string[], env: NodeJS.ProcessEnv): Promise<Ended> =>
  endOf(startProgram(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))

/** Says why a program left no result. The kernel kills a process that needs more memory than there is by SIGKILL. */
export const killed = ({ code, signal, stderr }: Ended): Error =>
  signal === 'SIGKILL'
    ? outOfMemory()
    : new Error(`the process ended with ${signal ?? `code ${code}`}:\n${stderr.slice(-SHOWN).trim()}`)

const outOfMemory = () =>
  new UserError({
    problem: 'the process was killed, as happens when memory runs out.',
    remedy: 'Try a smaller --batch.',
  })
