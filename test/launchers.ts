import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../src/root.js'

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
export function onRanks({ program, args }: Launcher, ranks: number, script: string): RanksResult {
  const command = [...args, '-n', String(ranks), process.execPath, '--import', 'tsx', join('test', script)]
  const env = { ...process.env, ...ENVIRONMENT }
  const { status, stdout, stderr } = spawnSync(program, command, { cwd: packageRoot, env, encoding: 'utf8' })
  return { code: status, stdout, stderr }
}
