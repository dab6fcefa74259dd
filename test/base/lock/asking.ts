import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, vi } from 'vitest'
import { packageRoot } from '../../../src/base/root.js'

export const root = mkdtempSync(join(tmpdir(), 'compacter-lock-'))
afterAll(() => rmSync(root, { recursive: true }))

export let folder: string
export let lock: string
let started: ChildProcess[]
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
  lock = join(folder, 'the.lock')
  started = []
})
afterEach(() => {
  for (const child of started) child.kill('SIGKILL')
})

const SCRIPT = join(packageRoot, 'test', 'support', 'lock_process.ts')
const NODE = [process.execPath, '--import', 'tsx', SCRIPT]

/** A process that asks for the lock, behind other programs such as unshare; `silence` in ms. */
export function ask({ behind = [] as string[], env = {}, silence = 60_000, mode = '' } = {}) {
  const [program = '', ...args] = [...behind, ...NODE, lock, `${silence}`, mode]
  const process = spawn(program, args, {
    cwd: packageRoot,
    env: { ...globalThis.process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  started.push(process)
  const lines: { text: string; at: number }[] = []
  const note = (data: Buffer) => {
    for (const text of data.toString().split('\n').filter(Boolean)) lines.push({ text, at: performance.now() })
  }
  process.stdout.on('data', note)
  process.stderr.on('data', note)
  const texts = () => lines.map(({ text }) => text)
  return {
    process,
    lines,
    texts,
    says: (text: string | RegExp) =>
      vi.waitUntil(() => lines.find((line) => (typeof text === 'string' ? line.text === text : text.test(line.text))), {
        timeout: 40_000,
        interval: 20,
      }),
    end: () => process.stdin.end(),
    ended: new Promise<number | null>((done) => process.on('close', done)),
  }
}

type Asking = ReturnType<typeof ask>
export const pidOf = async (asking: Asking) => Number((await asking.says(/^pid /)).text.slice(4))
