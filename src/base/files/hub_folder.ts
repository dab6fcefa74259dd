import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathVariable } from './path_variable.js'

/** Returns the folder in which Hugging Face's libraries keep everything, found as they find it. */
export function hubHome(): string {
  const caches = pathVariable('XDG_CACHE_HOME') ?? join(homedir(), '.cache')
  return pathVariable('HF_HOME') ?? join(caches, 'huggingface')
}

/** Returns the folder of the repositories that they have downloaded. */
export function hubCache(): string {
  return pathVariable('HF_HUB_CACHE') ?? pathVariable('HUGGINGFACE_HUB_CACHE') ?? join(hubHome(), 'hub')
}

/** Returns the file in which `hf auth login` leaves the token. */
export function tokenFile(): string {
  return pathVariable('HF_TOKEN_PATH') ?? join(hubHome(), 'token')
}
