import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

export const STORE_ENDING = '.tokens'
/** Stores beyond so many bytes in all are removed, those first that no run has used for longest. */
export const CACHE_LIMIT = 10 * 2 ** 30
/** What a killed process has left: a living one writes to its file, and touches its lock, all the time. */
const ABANDONED_MS = 24 * 3600 * 1000

/**
 * Removes stores until those that are left take at most `limit` bytes; `keep` stays in any case. A process that has one
 * open goes on reading it. What can't be removed is left.
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
