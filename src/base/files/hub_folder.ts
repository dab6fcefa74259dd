import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathVariable } from './path_variable.js'

/** The folder of everything that Hugging Face's libraries keep, as they find it themselves. */
export function hubHome(): string {
  const caches = pathVariable('XDG_CACHE_HOME') ?? join(homedir(), '.cache')
  return pathVariable('HF_HOME') ?? join(caches, 'huggingface')
}

/** The folder of the repositories that they have downloaded. */
export function hubCache(): string {
  return pathVariable('HF_HUB_CACHE') ?? pathVariable('HUGGINGFACE_HUB_CACHE') ?? join(hubHome(), 'hub')
}

/** The file that `hf auth login` leaves the token in. */
export function tokenFile(): string {
  return pathVariable('HF_TOKEN_PATH') ?? join(hubHome(), 'token')
}
