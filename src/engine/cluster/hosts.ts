import { isIPv6 } from 'node:net'
import { UserError } from '../../error.js'
import { outputOf } from '../../program.js'

/** Where workers listen unless told otherwise. */
export const WORKER_PORT = 7222

export interface Address {
  host: string
  port: number
}

/** HOST:PORT, an IPv6 host in brackets. */
export const ADDRESS =
  /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/

export function parseAddress(text: string): Address | undefined {
  const [, v6, host, port] = ADDRESS.exec(text) ?? []
  if (port === undefined) return undefined
  return { host: (v6 ?? host)!, port: Number(port) }
}

export const addressText = ({ host, port }: Address): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`

/**
 * The addresses that `training.workers` means: `slurm` is WORKER_PORT on every host of the allocation.
 * @throws UserError where there is no allocation, or its hosts can't be told.
 */
export function workerAddresses(workers: string[] | 'slurm'): string[] {
  return workers === 'slurm' ? slurmHosts().map((host) => addressText({ host, port: WORKER_PORT })) : workers
}

function slurmHosts(): string[] {
  const at = 'training.workers'
  const nodes = process.env.SLURM_JOB_NODELIST
  if (!nodes) {
    throw new UserError({
      at,
      problem: 'is slurm, but this process is in no SLURM allocation: SLURM_JOB_NODELIST is not set.',
      remedy: 'Start it with sbatch or salloc, or list the workers as host:port.',
    })
  }
  try {
    const names = outputOf('scontrol', ['show', 'hostnames', nodes], { timeout: 30_000 })
    return names.split('\n').filter(Boolean)
  } catch (error) {
    const problem = `is slurm, but \`scontrol show hostnames ${nodes}\` failed: ${(error as Error).message}.`
    throw new UserError({ at, problem, remedy: 'List the workers as host:port.' }, { cause: error })
  }
}
