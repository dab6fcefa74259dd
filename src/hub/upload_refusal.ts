import { UserError } from '../base/error.js'
import { shortened } from '../base/text/shortened.js'
import { networkReason } from './download.js'

/** The repository that is written to, and with which token. */
export interface Target {
  id: string
  endpoint: string
  /** The variable or file that the token comes from. */
  tokenFrom: string
  hub: typeof import('@huggingface/hub')
}

/**
 * Returns what a failed upload means to the user; an error that does not come from the network is returned unchanged.
 */
export function uploadError(target: Target, error: unknown): unknown {
  const { id, endpoint, hub } = target
  if (error instanceof hub.HubApiError) return refusal(target, error.statusCode, wordsOf(error.data))
  const { name } = error as Error
  if (name === 'SyntaxError') {
    const problem = `${endpoint} answers, but not as a hub does.`
    return new UserError({ at: id, problem, remedy: 'Check HF_ENDPOINT, and the network between you and it.' })
  }
  if (name !== 'TypeError' && name !== 'TimeoutError' && name !== 'AbortError') return error
  return new UserError(
    {
      at: id,
      problem: `cannot be uploaded: ${endpoint} is not reachable (${networkReason(error)}).`,
      remedy: 'Check the network and HF_ENDPOINT, then run the command again: what has arrived is not sent twice.',
    },
    { cause: error },
  )
}

/** The hub's own words, such as what it does not accept in a README. */
function wordsOf(data: unknown): string {
  const { error, message } = (data ?? {}) as { error?: unknown; message?: unknown }
  const words = [error, message].find((each) => typeof each === 'string' && each !== '')
  return words === undefined ? '' : `: ${shortened(String(words)).replace(/[.:]?$/, '')}`
}

function refusal({ id, endpoint, tokenFrom }: Target, status: number, words: string): UserError {
  const complaint = (problem: string, remedy: string) => new UserError({ at: id, problem, remedy })
  if (status === 401) {
    return complaint(
      `${endpoint} does not accept the token in ${tokenFrom} (401).`,
      `Make one with the right to write: ${endpoint}/settings/tokens.`,
    )
  }
  if (status === 403) {
    return complaint(
      `the token in ${tokenFrom} has no right to write there (403${words}).`,
      `Take one with the right to write (${endpoint}/settings/tokens), or a name of your own.`,
    )
  }
  if (status === 404)
    return complaint(`${endpoint} has no such model or branch (404${words}).`, 'Check the name and --revision.')
  if (status === 409) {
    return complaint(
      `the name is taken by a repository that is not a model, or was made meanwhile (409${words}).`,
      'Take another name, or run the command again.',
    )
  }
  const later = status >= 500 || status === 429
  return complaint(`${endpoint} answers ${status}${words}.`, later ? 'Try again later.' : 'Nothing was committed.')
}
