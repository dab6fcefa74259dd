import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const HEARTBEAT_MS = 2000
/** A holder on another machine that has not touched its lock for this long is dead; hashing 45 GB keeps a live one silent for 50 s. */
const SILENCE_MS = 120_000

/**
 * Runs the work while no other process holds the same lock file. `onWait` is called once if it has to wait, and may throw
 * not to. A lock whose holder is dead is taken over.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, onWait: () => void): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  for (let waited = false; !(await take(file)); ) {
    if (await abandoned(file)) {
      await steal(file)
      continue
    }
    if (!waited) onWait()
    waited = true
    await sleep(200)
  }
  const heartbeat = setInterval(() => utimes(file, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    await rm(file, { force: true })
  }
}

/** Runs the work unless `target` is there by the time it is this process's turn: jobs that share a folder do it once. */
export const once = (target: string, work: () => Promise<void>): Promise<void> =>
  withLock(
    `${target}.lock`,
    async () => {
      if (!existsSync(target)) await work()
    },
    () => {},
  )

/** Whether a process that lives holds this lock file. */
export const isLocked = async (file: string): Promise<boolean> => existsSync(file) && !(await abandoned(file))

async function take(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    await handle.writeFile(`${hostname()} ${process.pid}`)
    await handle.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function abandoned(file: string): Promise<boolean> {
  try {
    const [host, pid] = (await readFile(file, 'utf8')).split(' ')
    if (host === hostname() && pid) return !alive(Number(pid))
    return Date.now() - (await stat(file)).mtimeMs > SILENCE_MS
  } catch {
    return false // its holder has just let it go
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Renaming succeeds for one of several waiters, so none removes the lock that another has taken since. */
async function steal(file: string): Promise<void> {
  const mine = `${file}-stale-${process.pid}`
  await rename(file, mine).then(
    () => rm(mine, { force: true }),
    () => {},
  )
}
