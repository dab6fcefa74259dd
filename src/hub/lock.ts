import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A holder that has not been heard of for so many milliseconds is dead; hashing 45 GB keeps a live one silent for 50 s. */
const STALE = 120_000

/**
 * Runs `work` unless `target` is there by the time it is this process's turn, so that the jobs of a cluster that share
 * a cache fetch a file once. The lock is a folder, which every file system makes atomically, and its time is the
 * holder's sign of life.
 */
export async function once(target: string, work: () => Promise<void>, poll = 500): Promise<void> {
  const lock = `${target}.lock`
  while (!take(lock)) {
    if (existsSync(target)) return
    await sleep(poll)
  }
  const alive = setInterval(() => touch(lock), STALE / 24)
  try {
    if (!existsSync(target)) await work()
  } finally {
    clearInterval(alive)
    rmSync(lock, { recursive: true, force: true })
  }
}

function take(lock: string): boolean {
  if (isAbandoned(lock)) rmSync(lock, { recursive: true, force: true })
  try {
    mkdirSync(lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  writeFileSync(join(lock, 'holder'), holder(process.pid))
  return true
}

/** At once where the holder was a process of this machine that is gone, as after Ctrl-C; else after a silence. */
function isAbandoned(lock: string): boolean {
  const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
  if (since === undefined) return false
  return Date.now() - since > STALE || isGone(lock)
}

function isGone(lock: string): boolean {
  try {
    const written = readFileSync(join(lock, 'holder'), 'utf8')
    const pid = Number(written.split(' ').at(-1))
    if (!(pid > 0) || written !== holder(pid)) return false
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function holder(pid: number): string {
  return `${hostname()} ${pid}`
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Taken away by hand: the download goes on, and its digest is checked.
  }
}
