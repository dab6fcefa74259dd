// Reads one input after the other, as its parent says (pool.ts), and tells what became of each.
import { UserError } from '../../src/base/error.js'
import { enter } from './entry.js'
import type { Kind } from './inputs.js'

export interface Task {
  kind: Kind
  folder: string
}

export interface Told {
  /** `refused` is an error that the user can act on; `unexpected` any other. */
  outcome: 'read' | 'refused' | 'unexpected'
  message: string
  /** Processor time, in seconds. */
  seconds: number
  /** Memory that it took beyond what the process had. */
  bytes: number
}

process.on('message', async ({ kind, folder }: Task) => {
  const before = { rss: process.memoryUsage.rss(), most: mostMemory(), cpu: process.cpuUsage() }
  const [outcome, message] = await enter(kind, folder).then(
    () => ['read', ''] as const,
    (error) =>
      error instanceof UserError
        ? (['refused', error.message.slice(0, 2000)] as const)
        : (['unexpected', String(error?.stack ?? error).slice(0, 2000)] as const),
  )
  const { user, system } = process.cpuUsage(before.cpu)
  const most = mostMemory() > before.most ? mostMemory() : process.memoryUsage.rss()
  process.send!({ outcome, message, seconds: (user + system) / 1e6, bytes: most - before.rss } satisfies Told)
})
process.on('disconnect', () => process.exit(0))

function mostMemory(): number {
  return process.resourceUsage().maxRSS * 1024
}
