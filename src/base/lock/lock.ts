import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../error.js'
import { makeFolder } from '../files/atomic.js'
import { errorLine } from '../text/printable.js'
import { type Entry, give, type Holder, lastEntry, type Own, take } from './entry.js'
import { BEAT_MS, startBeating } from './heartbeat.js'

export type { Holder } from './entry.js'

const POLL_MS = 250
/** Where the kernel can't tell, a holder whose lock file has not changed for this long (30 heartbeats) is dead. */
const SILENCE_MS = 60_000

export interface Waiting {
  /** Called once, as soon as a living process is found to hold the lock. It may throw in order not to wait. */
  busy: (holder: Holder) => void
  /** Prints a line that says that the holder may be dead and is being watched. */
  say: (line: string) => void
  /** How long the file of a holder that may be dead is watched, ms. */
  silence?: number
}

/** Returns options that wait for whoever holds the lock, and say so. */
export const patiently = (say: (line: string) => void): Waiting => ({
  busy: (holder) => say(`Waiting: ${heldBy(holder)}.`),
  say,
})

/** `process 12 on node7 holds runs/a.lock` */
export const heldBy = ({ file, host, pid }: Holder): string => `process ${pid} on ${host} holds ${file}`

/**
 * Runs the work while no other process holds the same lock file. The kernel frees the lock of a process that dies, even
 * if its process number was given to another process. Where the kernel can't tell (another machine, a file system
 * without locks or with locks that other mounts don't see), the lock is taken over when its file has not changed for a
 * minute of this process's time; a living holder touches it every two seconds.
 * @throws UserError where the folder can't be written to, and whatever `waiting.busy` throws.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, waiting: Waiting): Promise<T> {
  makeFolder(dirname(file))
  const own = await acquire(resolve(file), waiting)
  const stop = startBeating(own, () => endOfLost(own))
  try {
    return await work()
  } finally {
    stop()
    give(own)
  }
}

/**
 * Runs the work unless `target` exists when it is this process's turn: of several jobs that share a folder, one does
 * it.
 */
export const once = (target: string, work: () => Promise<void>, say: (line: string) => void): Promise<void> =>
  withLock(
    `${target}.lock`,
    async () => {
      if (!existsSync(target)) await work()
    },
    patiently(say),
  )

/** Whether a living process holds this lock file. Where the kernel can't tell, this takes some heartbeats. */
export async function isLocked(file: string): Promise<boolean> {
  const watch = new Watch(4 * BEAT_MS)
  for (;;) {
    const last = lastEntry(resolve(file))
    const holder = last ? watch.look(last) : 'dead'
    if (holder !== 'doubtful') return holder === 'alive'
    await sleep(POLL_MS)
  }
}

async function acquire(file: string, { busy, say, silence = SILENCE_MS }: Waiting): Promise<Own> {
  const watch = new Watch(silence)
  let said: 'nothing' | 'doubt' | 'busy' = 'nothing'
  for (;;) {
    const last = lastEntry(file)
    const holder = last ? watch.look(last) : 'dead'
    if (last && holder === 'alive' && said !== 'busy') {
      busy(last)
      said = 'busy'
    } else if (last && holder === 'doubtful' && said !== 'doubt') {
      say(`${capital(heldBy(last))} and may be dead: it has ${Math.round(silence / 1000)} s to give a sign of life.`)
      said = 'doubt'
    }
    const own = holder === 'dead' ? take(file, last) : undefined
    if (own) return own
    await sleep(POLL_MS)
  }
}

const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1)

/** Finds out whether the holder lives by looking at the file again and again. */
class Watch {
  readonly #silence: number
  #pulse: string | undefined
  #alive = false
  #quiet = 0
  #looked = 0

  constructor(silence: number) {
    this.#silence = silence
  }

  look({ pulse, state }: Entry): 'alive' | 'dead' | 'doubtful' {
    if (state !== 'doubtful') return state === 'held' ? 'alive' : 'dead'
    const now = performance.now()
    if (pulse === this.#pulse) {
      // A look that was held up by the file system, which holds the heartbeat up too, counts as one short look.
      this.#quiet += Math.min(now - this.#looked, 2 * POLL_MS)
    } else {
      this.#alive = this.#pulse !== undefined // somebody has changed the file since the last look
      this.#pulse = pulse
      this.#quiet = 0
    }
    this.#looked = now
    if (this.#quiet >= this.#silence) return 'dead'
    return this.#alive ? 'alive' : 'doubtful'
  }
}

/** Ends a process that lost its lock, for example after a suspension: two processes would do the same work. */
function endOfLost({ file }: Own): never {
  const { message } = new UserError({
    at: file,
    problem:
      `another process took this lock over, since this one (${process.pid}) had given no sign of life for ` +
      'a minute.',
    remedy: 'This process ends, so that two do not write the same files.',
  })
  errorLine(message)
  process.exit(1)
}
