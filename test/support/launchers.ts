import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'
import type { Steps } from './twenty_steps.js'

/** What starts ranks on this machine. */
export interface Launcher {
  name: 'Open MPI' | 'MPICH'
  program: string
  args: string[]
}

const CANDIDATES: Launcher[] = [
  { name: 'Open MPI', program: 'mpirun.openmpi', args: ['--oversubscribe', '--bind-to', 'none'] },
  { name: 'Open MPI', program: 'mpirun', args: ['--oversubscribe', '--bind-to', 'none'] },
  { name: 'MPICH', program: 'mpiexec.hydra', args: [] },
]

const SAYS = { 'Open MPI': /Open MPI|OpenRTE/, MPICH: /HYDRA/ } as const

/** The launchers that are installed, one of a kind. */
export const launchers = CANDIDATES.filter(({ name, program }) => {
  try {
    return SAYS[name].test(
      execFileSync(program, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
  } catch {
    return false
  }
}).filter(({ name }, i, all) => all.findIndex((other) => other.name === name) === i)

/** Open MPI refuses root by default. */
const ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
}

export interface RanksResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a script of the test folder on so many ranks: what they print, and the launcher's exit code. */
export const onRanks = (launcher: Launcher, ranks: number, script: string, more: string[] = []): Promise<RanksResult> =>
  startRanks(launcher, ranks, ['--import', 'tsx', join('test', 'support', script), ...more]).ended

/**
 * Twenty steps of each method (twenty_steps.ts) on so many ranks.
 * @throws Error with what the ranks say where they fail
 */
export async function twentyStepsOnRanks(
  launcher: Launcher,
  ranks: number,
  file: string,
  methods: string[],
): Promise<Map<string, Steps>> {
  const folder = mkdtempSync(join(tmpdir(), 'compacter-'))
  const args = ['tensorflow', 'replay', file, folder, ...methods]
  const { code, stdout, stderr } = await onRanks(launcher, ranks, 'rank_training.ts', args)
  if (code !== 0) throw new Error(stderr)
  const losses = stdout.trim().split('\n')
  return new Map(
    methods.map((method, place) => [
      method,
      {
        losses: JSON.parse(losses[place]!),
        vector: new Float32Array(new Uint8Array(readFileSync(join(folder, String(place)))).buffer),
      },
    ]),
  )
}

/** Starts Node with these arguments on so many ranks, behind the launcher with `options` of its own. */
export function startRanks({ program, args }: Launcher, ranks: number, node: string[], options: string[] = []) {
  const command = [...args, ...options, '-n', String(ranks), process.execPath, ...node]
  const child = spawn(program, command, { cwd: packageRoot, env: { ...process.env, ...ENVIRONMENT } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (output.stdout += text))
  child.stderr.on('data', (text) => (output.stderr += text))
  const ended = new Promise<RanksResult>((done) => child.on('close', (code) => done({ code, ...output })))
  return { process: child, output, ended }
}
