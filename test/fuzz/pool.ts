import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'
import type { Task, Told } from './child.js'
import { type Kind, writeInput } from './inputs.js'

export interface FuzzOptions {
  seed: number
  /** Number of the first input, and how many there are. */
  first: number
  count: number
  children: number
  onInput?: (done: number, index: number, told: Told | string) => void
}

export interface Failure {
  index: number
  kind: Kind
  /** Where the input is kept. */
  folder: string
  why: string
}

export interface Fuzzed {
  outcomes: Record<Told['outcome'], number>
  failures: Failure[]
  slowest: { index: number; seconds: number }
  largest: { index: number; bytes: number }
}

/** More processor time, or more memory beyond the input's size, is a failure. */
const [MOST_SECONDS, MOST_BYTES] = [10, 2 ** 30]
/** Of the clock, after which a child is ended: the machine may be busy. */
const PATIENCE_MS = 60_000
/** A child that once took so much is replaced, so that what an input takes can be told. */
const WORN_BYTES = 400 * 2 ** 20

/** Mutates and reads so many inputs in a few processes that live on; one that ends, or is ended, is replaced. */
export async function fuzz({ seed, first, count, children, onInput }: FuzzOptions): Promise<Fuzzed> {
  const folder = mkdtempSync(join(tmpdir(), 'compacter-fuzz-'))
  const fuzzed: Fuzzed = {
    outcomes: { read: 0, refused: 0, unexpected: 0 },
    failures: [],
    slowest: { index: -1, seconds: 0 },
    largest: { index: -1, bytes: 0 },
  }
  let next = first
  const work = async () => {
    let child: ChildProcess | undefined
    while (next < first + count) {
      const index = next++
      const input = join(folder, String(index))
      const kind = writeInput(input, seed, index)
      child ??= start()
      const told = await tell(child, { kind, folder: input })
      const why = note(fuzzed, index, told, sizeOf(input))
      if (why) fuzzed.failures.push({ index, kind, folder: input, why })
      else rmSync(input, { recursive: true })
      if (typeof told === 'string' || told.bytes > WORN_BYTES) {
        child.kill('SIGKILL')
        child = undefined
      }
      onInput?.(next - first, index, told)
    }
    child?.kill('SIGKILL')
  }
  await Promise.all(Array.from({ length: children }, work))
  if (fuzzed.failures.length === 0) rmSync(folder, { recursive: true })
  return fuzzed
}

function start(): ChildProcess {
  const env = { ...process.env, HF_HUB_OFFLINE: '1' }
  return fork(join(packageRoot, 'test', 'fuzz', 'child.ts'), {
    execArgv: ['--import', 'tsx'],
    env,
    cwd: packageRoot,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}

/** What the child tells, or why it tells nothing. */
function tell(child: ChildProcess, task: Task): Promise<Told | string> {
  const limit = MOST_BYTES + sizeOf(task.folder)
  let errors = ''
  return new Promise((resolve) => {
    const begun = residentBytes(child)
    const end = (outcome: Told | string) => {
      clearTimeout(timer)
      clearInterval(watch)
      child.removeAllListeners('message').removeAllListeners('exit')
      child.stderr!.removeAllListeners('data')
      resolve(outcome)
    }
    const timer = setTimeout(() => end(`took more than ${PATIENCE_MS / 1000} s`), PATIENCE_MS)
    const watch = setInterval(() => {
      const more = residentBytes(child) - begun
      // what a child itself starts with
      if (more > limit + 2 ** 28) end(`took ${Math.round(more / 2 ** 20)} MB and went on`)
    }, 50)
    child.once('message', (told: Told) => end(told))
    child.once('exit', (code, signal) => end(`ended the process: ${signal ?? code}. ${errors.slice(-2000)}`))
    child.stderr!.on('data', (text) => (errors += text))
    child.send(task)
  })
}

/** Where the system tells it; else 0. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
  } catch {
    return 0
  }
}

/** Counts an input. @returns why it failed, if it did */
function note(fuzzed: Fuzzed, index: number, told: Told | string, size: number): string | undefined {
  if (typeof told === 'string') return told
  const { outcome, message, seconds, bytes } = told
  fuzzed.outcomes[outcome]++
  if (seconds > fuzzed.slowest.seconds) fuzzed.slowest = { index, seconds }
  if (bytes > fuzzed.largest.bytes) fuzzed.largest = { index, bytes }
  if (outcome === 'unexpected') return `Unexpected error: ${message}`
  if (seconds > MOST_SECONDS) return `took ${seconds.toFixed(1)} s`
  if (bytes > MOST_BYTES + size) return `took ${Math.round(bytes / 2 ** 20)} MB`
  return undefined
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
}
