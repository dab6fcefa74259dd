import { existsSync } from 'node:fs'
import { UserError } from '../base/error.js'
import { tokenFile } from '../base/files/hub_folder.js'
import { readText } from '../base/files/read.js'

/** The hub's address, and the token that it is sent. */
export interface Access {
  /** The hub's address, without a slash at the end. */
  endpoint: string
  token: string | undefined
  /** The variable or file that the token comes from. */
  tokenFrom: string | undefined
}

/**
 * Reads HF_ENDPOINT, and HF_TOKEN or the token in the file that `hf auth login` leaves.
 * @throws UserError where either can't be used; the message holds no part of the token or of a password.
 */
export function hubAccess(): Access {
  const endpoint = endpointOf(process.env.HF_ENDPOINT || 'https://huggingface.co')
  const file = tokenFile()
  const tokenFrom = process.env.HF_TOKEN ? 'HF_TOKEN' : existsSync(file) ? file : undefined
  if (tokenFrom === undefined) return { endpoint, token: undefined, tokenFrom }
  const token = firstLine(process.env.HF_TOKEN || tokenIn(file))
  if (token) checkToken(token, tokenFrom)
  return token ? { endpoint, token, tokenFrom } : { endpoint, token: undefined, tokenFrom: undefined }
}

function endpointOf(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname) {
    const shown = value.includes('@') ? '' : `"${value}" ` // before an @ there may be a password
    throw new UserError({
      at: 'HF_ENDPOINT',
      problem: `${shown}is not the address of a hub.`,
      remedy: 'It begins with https:// or http://, as https://huggingface.co.',
    })
  }
  if (url.username || url.password) {
    throw new UserError({
      at: 'HF_ENDPOINT',
      problem: 'has a user or a password in it, which are not sent.',
      remedy: 'Leave out what is before the @, and put a token into HF_TOKEN.',
    })
  }
  return value.trim().replace(/\/+$/, '')
}

function tokenIn(file: string): string {
  try {
    return readText(file, { named: true })
  } catch (error) {
    if (error instanceof UserError) throw error
    const problem = `the token can't be read (${(error as NodeJS.ErrnoException).code}).`
    throw new UserError({ at: file, problem, remedy: 'Put it into HF_TOKEN, or set HF_TOKEN_PATH.' }, { cause: error })
  }
}

/** An editor adds a line end, and people may add a second line: neither is part of the token. */
const firstLine = (text: string): string =>
  text
    .trim()
    .split(/[\r\n]/, 1)[0]!
    .trim()

function checkToken(token: string, at: string): void {
  const complain = (problem: string) =>
    new UserError({ at, problem, remedy: 'Make one at https://huggingface.co/settings/tokens, or unset it.' })
  if (!token.startsWith('hf_')) throw complain('is not an access token: they begin with hf_.')
  if (/^[!-~]+$/.test(token)) return
  throw complain('is not an access token: there is a space in it, or a character beyond ASCII.')
}

/** Whether HF_HUB_OFFLINE forbids to ask the hub. */
export const isOffline = (): boolean => /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '')

/**
 * `fetch` for the hub's own library, which sends the token to any address at which the hub says that a listing
 * continues. Here only the hub itself gets it; Node takes it out of redirects to another origin.
 */
export const hubFetch =
  (endpoint: string): typeof fetch =>
  (url, init) =>
    fetch(url, { ...init, headers: headersFor(endpoint, url, init), signal: AbortSignal.timeout(60_000) })

/** As `hubFetch`, for uploads, of which nobody knows how long they take: the caller's signal stays. */
export const uploadFetch =
  (endpoint: string): typeof fetch =>
  (url, init) =>
    fetch(url, { ...init, headers: headersFor(endpoint, url, init) })

function headersFor(endpoint: string, url: string | URL | Request, init: RequestInit | undefined): Headers {
  const asked = new URL(url instanceof Request ? url.url : url)
  const headers = new Headers(init?.headers)
  if (asked.origin !== new URL(endpoint).origin) headers.delete('Authorization')
  return headers
}
