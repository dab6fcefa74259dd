import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathVariable } from './path_variable.js'

/**
 * The user's cache folder of this program, shared by every checkout: COMPACTER_CACHE, or the platform's own place. Engines,
 * tokens, graphs and hashes are all below it.
 */
export function cacheFolder(env = process.env): string {
  const own = pathVariable('COMPACTER_CACHE', env)
  if (own) return resolve(own)
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'compacter')
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'compacter')
  return resolve(pathVariable('XDG_CACHE_HOME', env) ?? join(homedir(), '.cache'), 'compacter')
}
