import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * The user's cache folder of this program, shared by every checkout: COMPACTER_CACHE, or the platform's own place. Engines,
 * tokens, graphs and hashes are all below it.
 */
export function cacheFolder(env = process.env): string {
  if (env.COMPACTER_CACHE) return resolve(env.COMPACTER_CACHE)
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'compacter')
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'compacter')
  return resolve(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'compacter')
}
