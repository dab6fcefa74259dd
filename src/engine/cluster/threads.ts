import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { gathered } from './agree.js'
import type { Ranks } from './ranks.js'

/** The threads of this rank, and in words how they were found. */
export interface OwnThreads {
  threads: number
  note: string
}

/**
 * Returns this rank's part of its cores: ranks of a host that may run on the same cores share them evenly; ranks that
 * the launcher has bound to their own cores have these. It is at least one.
 */
export async function shareCores(ranks: Ranks, wanted: number | undefined): Promise<OwnThreads> {
  const own = { host: ranks.host, cores: allowedCores() }
  const all = await gathered(ranks, own)
  const onHost = all.filter(({ host }) => host === own.host).length
  const sharing = all.filter(({ host, cores }) => host === own.host && cores === own.cores).length
  const cores = availableParallelism()
  const threads = wanted ?? Math.max(1, Math.floor(cores / sharing))
  const hosts = new Set(all.map(({ host }) => host)).size
  const where = hosts === 1 ? 'on one host' : `on ${hosts} hosts, ${onHost} of them on ${own.host}`
  const why =
    wanted !== undefined
      ? 'as --threads says'
      : sharing > 1
        ? `${sharing} ranks share ${cores} core${cores === 1 ? '' : 's'}`
        : 'cores of its own'
  return { threads, note: `${ranks.size} ranks ${where}; each ${counted(threads)}: ${why}.` }
}

const counted = (threads: number) => `${threads} CPU thread${threads === 1 ? '' : 's'}`

/** Returns the cores that the process may run on, as the kernel writes them; an empty text where it doesn't say. */
function allowedCores(): string {
  try {
    return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}
