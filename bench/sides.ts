// Whole processes of ours and of PyTorch's, in turn: wall time and peak memory.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { median } from '../src/base/numbers/quantile.js'
import { packageRoot } from '../src/base/root.js'

/** A process that is measured; its last line on stdout is JSON. */
export interface Side {
  name: string
  command: string[]
  environment?: NodeJS.ProcessEnv
  /** Called before each start. */
  prepare?: () => void
}

export interface Ended {
  seconds: number
  peakBytes: number
  load: number
  /** What the process printed last, parsed. */
  printed: unknown
}

export interface SideResult {
  name: string
  seconds: number[]
  peak_bytes: number[]
  load_averages: number[]
  printed: unknown[]
}

/**
 * PyTorch in two ways, of which the better counts: OpenMP's threads spin while they wait, or sleep. OMP_WAIT_POLICY, if
 * it is set, decides.
 */
export const pythonSides = (command: string[]): Side[] =>
  process.env.OMP_WAIT_POLICY
    ? [{ name: 'PyTorch', command }]
    : [
        { name: 'PyTorch', command },
        { name: 'PyTorch, passive waiting', command, environment: { OMP_WAIT_POLICY: 'passive' } },
      ]

/** The command of this checkout's build; `npm run build` makes it. */
export const compacter = (...args: string[]): string[] => [process.execPath, join(packageRoot, 'bin/run.js'), ...args]

/** Runs every side once a round. */
export async function inTurn(sides: Side[], rounds: number): Promise<SideResult[]> {
  const results = sides.map(
    ({ name }): SideResult => ({ name, seconds: [], peak_bytes: [], load_averages: [], printed: [] }),
  )
  for (let round = 0; round < rounds; round++)
    for (const [i, side] of sides.entries()) {
      const { seconds, peakBytes, load, printed } = await runSide(side)
      console.error(`${side.name}: ${seconds.toFixed(1)} s, ${(peakBytes / 2 ** 20).toFixed(0)} MiB`)
      const result = results[i]!
      result.seconds.push(seconds)
      result.peak_bytes.push(peakBytes)
      result.load_averages.push(load)
      result.printed.push(printed)
    }
  return results
}

/** Runs a process to its end. @throws Error with what it complained of */
export async function runSide({ command, environment, prepare }: Side): Promise<Ended> {
  prepare?.()
  const [program, ...args] = command
  const load = loadavg()[0]!
  const start = performance.now()
  const child = spawn(`${program}`, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text) => {
      said[stream] += text
    })
  let polled = 0
  const watch = setInterval(() => {
    polled = residentPeak(child.pid!) ?? polled
  }, POLLED_MS)
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  const seconds = (performance.now() - start) / 1000
  clearInterval(watch)
  if (code !== 0)
    throw new Error(`${command.join(' ')} ended with ${code}:\n${(said.stderr || said.stdout).slice(-3000)}`)
  const printed = JSON.parse(said.stdout.slice(said.stdout.search(/^\{/m)))
  return { seconds, peakBytes: Math.max(polled, toldPeak(printed)), load, printed }
}

const POLLED_MS = 50

/** Linux's count of the most memory that a process had resident (VmHWM); undefined where the process has ended. */
function residentPeak(pid: number): number | undefined {
  try {
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib === undefined ? undefined : Number(kib) * 1024
  } catch {
    return undefined
  }
}

/** The peak that a process tells at its end, which the last poll may have missed. */
const toldPeak = (printed: { peak_bytes?: number; peak_memory_bytes?: number }): number =>
  printed.peak_bytes ?? printed.peak_memory_bytes ?? 0

export interface Compared {
  seconds: number
  torch_seconds: number
  time_ratio: number
  peak_bytes: number
  torch_peak_bytes: number
  memory_ratio: number
  load_average: number
}

/** Compares the first side, ours, with the fastest and the smallest of the others. */
export function compared([ours, ...others]: SideResult[]): Compared {
  const seconds = median(ours!.seconds)
  const torch_seconds = Math.min(...others.map((other) => median(other.seconds)))
  const peak_bytes = Math.max(...ours!.peak_bytes)
  const torch_peak_bytes = Math.min(...others.map((other) => Math.max(...other.peak_bytes)))
  return {
    seconds,
    torch_seconds,
    time_ratio: seconds / torch_seconds,
    peak_bytes,
    torch_peak_bytes,
    memory_ratio: peak_bytes / torch_peak_bytes,
    load_average: median([ours!, ...others].flatMap((side) => side.load_averages)),
  }
}

export const COMPARED_HEAD = 'time | PyTorch | ratio | peak memory | PyTorch | ratio | load average'

/** The cells below COMPARED_HEAD. */
export const comparedCells = (row: Compared): string[] => [
  `${row.seconds.toFixed(1)} s`,
  `${row.torch_seconds.toFixed(1)} s`,
  `${row.time_ratio.toFixed(2)} ×`,
  gib(row.peak_bytes),
  gib(row.torch_peak_bytes),
  `${row.memory_ratio.toFixed(2)} ×`,
  row.load_average.toFixed(1),
]

export const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`

/** A Markdown table; cells of the first column are text, the others numbers. */
export function table(head: string, rows: string[][]): string {
  const columns = head.split(' | ')
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
