import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { compacter } from '../support/cli.js'
import { engines } from '../support/engines.js'

/** A folder for a file of tests that is removed after them, with what runs commands in it. */
export function encoderRuns() {
  const folder = mkdtempSync(join(tmpdir(), 'compacter-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string) => join(folder, name)
  /** The engine that every command is given, with one thread. */
  const one = ['--engine', engines[0]!, '--threads', '1']
  /** Runs a command that must succeed. */
  async function run(...args: string[]) {
    const { code, stdout, stderr } = await compacter([...args, ...one])
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    return { stdout, stderr }
  }
  return {
    path,
    one,
    run,
    /** The JSON of each line of a file. */
    lines: (name: string) =>
      readFileSync(path(name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    /** Trains three steps and resumes for three more, and six at once: the bytes of what both leave. */
    async inPartsAndAtOnce(experiment: (steps: number) => string): Promise<[Buffer, Buffer]> {
      const train = (steps: number, into: string, ...more: string[]) =>
        run('train', experiment(steps), '--run-dir', path(into), ...more)
      await train(3, 'parts')
      await train(6, 'parts', '--resume')
      await train(6, 'at-once')
      const [parts, whole] = ['parts', 'at-once'].map((name) => readFileSync(path(`${name}/last.safetensors`)))
      return [parts!, whole!]
    },
  }
}
