import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeOwnFolder, whoElseCanWrite } from './own_folder.js'
import { pathVariable } from './path_variable.js'

/**
 * Returns the user's cache folder for this program, shared by every checkout: COMPACTER_CACHE, or the platform's usual
 * place. Engines, tokens, graphs and hashes are all below it.
 */
export function cacheFolder(env = process.env): string {
  const own = pathVariable('COMPACTER_CACHE', env)
  if (own) return resolve(own)
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'compacter')
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'compacter')
  return resolve(pathVariable('XDG_CACHE_HOME', env) ?? join(homedir(), '.cache'), 'compacter')
}

/**
 * Makes and returns a folder below the cache for what this user's runs write and read back: their texts as token ids,
 * hashes, graphs, bytecode, measured steps. Only this user can open it.
 * @throws Error with the reason where others could have written into it, or it can't be made.
 */
export function ownCache(name: 'tokens' | 'hashes' | 'graphs' | 'compiled' | 'prices'): string {
  const folder = join(cacheFolder(), name)
  const stranger = whoElseCanWrite(folder)
  if (stranger) throw new Error(`${stranger}. Set COMPACTER_CACHE to a folder of your own.`)
  makeOwnFolder(folder)
  return folder
}
