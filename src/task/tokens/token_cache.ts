import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

export const STORE_ENDING = '.tokens'
/** Stores are removed if all together exceed this many bytes, least recently used first. */
export const CACHE_LIMIT = 10 * 2 ** 30
/** The age of files that a killed process has left: a living one keeps writing to its file and touching its lock. */
const ABANDONED_MS = 24 * 3600 * 1000

/**
 * Removes stores until the rest takes at most `limit` bytes; `keep` is never removed. A process that has a removed
 * store open can still read it. Errors are ignored.
 */
export function trimCache(folder: string, keep: string, limit = CACHE_LIMIT): void {
  const files = readdirSync(folder).flatMap((name) => {
    const stats = statSync(join(folder, name), { throwIfNoEntry: false })
    return stats?.isFile() ? { name, size: stats.size, usedMs: stats.mtimeMs } : []
  })
  for (const { name, usedMs } of files) {
    if (isLeftOver(name) && Date.now() - usedMs > ABANDONED_MS) remove(join(folder, name))
  }
  const stores = files.filter(({ name }) => name.endsWith(STORE_ENDING)).sort((a, b) => a.usedMs - b.usedMs)
  let total = stores.reduce((sum, { size }) => sum + size, 0)
  for (const { name, size } of stores) {
    if (total <= limit) return
    if (name === keep) continue
    remove(join(folder, name))
    total -= size
  }
}

const isLeftOver = (name: string) => /\.tokens\.([\w-]+\.partial|lock.*)$/.test(name)

function remove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {}
}
