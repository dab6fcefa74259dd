import type { StdioOptions } from 'node:child_process'
import { pipEnvironment, startProgram } from '../../program.js'

export interface Outcome {
  stdout: string
  stderr: string
}

/**
 * Runs a program to its end; `onLine` hears each line of its stdout.
 * @throws Error with the program's last line of stderr if it can't start, fails, or outlasts the limit (seconds).
 */
export function runProgram(
  program: string,
  args: string[],
  { seconds = 60, onLine }: { seconds?: number; onLine?: (line: string) => void } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
    const child = startProgram(program, args, { stdio, timeout: seconds * 1000, env: pipEnvironment() })
    const stop = () => child.kill()
    process.once('exit', stop)
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      for (const line of text.split('\n')) if (line.trim()) onLine?.(line.trim())
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', (error) => reject(new Error(`${program} can't be run (${error.message})`)))
    child.once('close', (code, signal) => {
      process.off('exit', stop)
      if (code === 0) resolve({ stdout, stderr })
      else reject(new Error(`${program} ${signal ? `was stopped by ${signal}` : 'failed'}: ${reasonIn(stderr)}`))
    })
  })
}

/** The line that says what went wrong, not the advice around it. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').flatMap((line) => line.trim() || [])
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'no message').slice(0, 400)
}

/** Whether the program is there and answers. */
export const answers = (program: string, args: string[]): Promise<boolean> =>
  runProgram(program, args, { seconds: 20 }).then(
    () => true,
    () => false,
  )
