import { UserError } from '../base/error.js'
import { networkReason } from './download.js'

export interface Repository {
  type: 'model' | 'dataset'
  /** `owner/name`. */
  id: string
  /** What works without the hub, starting with a verb: 'name a folder'. */
  instead: string
  /** Names to offer where the hub has no such repository. */
  presets?: string[]
}

/** The hub that was asked, and the repository and token. */
export interface Source {
  repository: Repository
  endpoint: string
  token: string | undefined
  hub: typeof import('@huggingface/hub')
}

/** Returns the address of the repository's page; file contents are below it, under `resolve/`. */
export function address({ repository: { type, id }, endpoint }: Source): string {
  return `${endpoint}/${type === 'dataset' ? `datasets/${id}` : id}`
}

/**
 * Returns what a failed listing means to the user; an error that does not come from the network is returned unchanged.
 */
export function listError(source: Source, error: unknown): unknown {
  const { repository, endpoint, hub } = source
  if (error instanceof hub.HubApiError) return refusal(source, error.statusCode)
  const { name } = error as Error
  if (name === 'SyntaxError') {
    const problem = `${endpoint} answers, but not as a hub does.`
    return new UserError({
      at: repository.id,
      problem,
      remedy: 'Check HF_ENDPOINT, and the network between you and it.',
    })
  }
  if (name !== 'TypeError' && name !== 'TimeoutError') return error
  return new UserError(
    {
      at: repository.id,
      problem: `cannot be downloaded: ${endpoint} is not reachable (${networkReason(error)}).`,
      remedy: `Check the network, set HF_ENDPOINT to a mirror, or ${repository.instead} that has the files.`,
    },
    { cause: error },
  )
}

function refusal(source: Source, status: number): UserError {
  const { repository, endpoint, token } = source
  const { id, type, presets = [] } = repository
  if (status === 404 || (status === 401 && !token)) {
    const known = presets.length > 0 ? ` Presets: ${presets.join(', ')}.` : ''
    return new UserError({
      at: id,
      problem:
        `${endpoint} has no such ${type === 'model' ? 'model' : 'data set'}, or shows it only with a ` +
        `token (${status}).`,
      remedy: type === 'model' ? `Check the name, or set HF_TOKEN.${known}` : `Set HF_TOKEN, or ${repository.instead}.`,
    })
  }
  if (status === 401) {
    return new UserError({
      at: id,
      problem: `${endpoint} does not accept the token (401).`,
      remedy: `Set HF_TOKEN to a valid one: ${endpoint}/settings/tokens.`,
    })
  }
  if (status === 403) {
    return new UserError({
      at: id,
      problem: `${endpoint} gives no access to it (403).`,
      remedy: `Ask for access at ${address(source)}, and set HF_TOKEN to a token of that account.`,
    })
  }
  return new UserError({ at: id, problem: `${endpoint} answers ${status}.`, remedy: 'Try again later.' })
}
