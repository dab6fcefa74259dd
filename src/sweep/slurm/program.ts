import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { UserError } from '../../base/error.js'
import { startProgram } from '../../base/program.js'

export interface Answer {
  code: number | null
  stdout: string
  /** What the program said, without `sbatch: error:` in front of every line. */
  message: string
}

/** A busy controller answers after minutes; a dead one never does. */
const PATIENCE_MS = 120_000

/** Runs one of SLURM's programs to its end. @throws UserError where it is not installed. */
export function slurmProgram(program: string, args: string[], input = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = started(program, args)
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
    child.stdin.on('error', () => {}) // the program may end before it has read its input
    child.stdin.end(input)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const lines = output.stderr.split('\n').map((line) => line.replace(/^(\w+: )?(error: )?/, '').trim())
      const message = lines.filter((line) => line && !line.startsWith('Try "')).join('. ')
      resolve({ code, stdout: output.stdout, message: message || (signal ? 'no answer' : `exit code ${code}`) })
    })
  })
}

/** Starts the program in the current folder, which sbatch makes the job's folder. */
function started(program: string, args: string[]): ChildProcessWithoutNullStreams {
  try {
    return startProgram(program, args, { timeout: PATIENCE_MS, cwd: process.cwd() })
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT' ? notInstalled(program, cause as Error) : cause
  }
}

const notInstalled = (program: string, cause: Error) =>
  new UserError(
    {
      problem: `SLURM's ${program} is not installed here.`,
      remedy: 'Run this on a machine from which jobs are submitted, or take --on local.',
    },
    { cause },
  )
