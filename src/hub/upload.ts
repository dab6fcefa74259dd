import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UserError } from '../base/error.js'
import { errorLine } from '../base/text/printable.js'
import { shortened } from '../base/text/shortened.js'
import { byteSize } from '../base/text/size.js'
import { hubAccess, isOffline, uploadFetch } from './access.js'
import { OWNED_HUB_ID } from './id.js'
import { type Target, uploadError } from './upload_refusal.js'

export interface UploadFile {
  /** Relative to the folder, with slashes. */
  path: string
  bytes: number
}

export interface UploadOptions {
  /** `owner/name` of a model, which is made where the hub has none. */
  id: string
  /** A repository that is made is private; one that is public is refused. */
  private: boolean
  /** The branch, which is made from the default one where there is none. */
  revision: string
  /** The subject of the commit. */
  message: string
  onState?: (text: string) => void
  /** Called before the first request with a line that says what is sent where, and with which token. */
  onNote?: (line: string) => void
}

export interface Uploaded {
  /** The address of the repository's page. */
  url: string
  commit: string
  /** Whether the repository was made. */
  created: boolean
}

const MAIN = 'main'

/** How the hub's library asks. */
interface HubAccess {
  hubUrl: string
  accessToken: string
  fetch: typeof fetch
}

const modelOf = (id: string) => ({ type: 'model', name: id }) as const

/** Refuses a name that no model can have, before anything is exported. */
export function checkModelId(id: string): void {
  if (OWNED_HUB_ID.test(id)) return
  const [, type] = /^(?:https?:\/\/[^/]+\/)?(datasets|spaces)\//.exec(id) ?? []
  const [, name] = /^https?:\/\/[^/]+\/([^/?#]+\/[^/?#]+)\/?$/.exec(id) ?? []
  const problem = type ? `is in ${type}/: what is pushed is a model.` : 'is not the name of a model on the hub.'
  const remedy =
    name && OWNED_HUB_ID.test(name) ? `Write ${name}.` : 'Write owner/name, your own name or an organisation.'
  throw new UserError({ at: shortened(id), problem, remedy })
}

/**
 * Uploads files of a folder as one commit to a model on the hub, which HF_ENDPOINT, HF_TOKEN and the file of `hf auth
 * login` choose as for downloads. Files that are in the repository under other names stay.
 * @throws UserError: no token, no right, a repository of another type, a public one that was to be private, no network.
 */
export async function uploadFolder(
  folder: string,
  files: readonly UploadFile[],
  { id, private: hidden, revision, message, onState = () => {}, onNote = errorLine }: UploadOptions,
): Promise<Uploaded> {
  checkModelId(id)
  if (isOffline())
    throw new UserError({ at: id, problem: 'HF_HUB_OFFLINE forbids to send anything.', remedy: 'Unset it.' })
  const { endpoint, token, tokenFrom } = hubAccess()
  if (token === undefined) {
    throw new UserError({
      at: id,
      problem: `there is no token to write to ${endpoint} with.`,
      remedy: 'Put one with the right to write into HF_TOKEN, or run `hf auth login`.',
    })
  }
  const hub = await import('@huggingface/hub')
  const target: Target = { id, endpoint, tokenFrom: tokenFrom!, hub }
  const access: HubAccess = { hubUrl: endpoint, accessToken: token, fetch: uploadFetch(endpoint) }
  const bytes = byteSize(files.reduce((sum, file) => sum + file.bytes, 0))
  onNote(`Sending ${bytes} to the model ${id} at ${endpoint}, with the token in ${tokenFrom}.`)
  try {
    const created = await ensureRepository(target, access, hidden)
    if (revision !== MAIN) await ensureBranch(target, access, revision)
    const steps = hub.commitIter({
      ...access,
      repo: modelOf(id),
      title: message,
      branch: revision,
      useXet: false, // the hub's older protocol, which mirrors have too
      operations: files.map(({ path }) => ({
        operation: 'addOrUpdate',
        path,
        content: pathToFileURL(join(folder, path)),
      })),
    })
    for (;;) {
      const { done, value } = await steps.next()
      if (done) return { url: `${endpoint}/${id}`, commit: value!.commit.oid, created }
      if (value.event === 'fileProgress') onState(`${value.state} ${value.path} of ${bytes} in all`)
    }
  } catch (error) {
    throw uploadError(target, error)
  }
}

/** Makes the repository where there is none; returns whether it did. */
async function ensureRepository({ id, endpoint, hub }: Target, access: HubAccess, hidden: boolean): Promise<boolean> {
  try {
    const info = await hub.modelInfo({ ...access, name: id })
    if (!hidden || info.private) return false
  } catch (error) {
    if (!(error instanceof hub.HubApiError) || error.statusCode !== 404) throw error
    await hub.createRepo({ ...access, repo: modelOf(id), visibility: hidden ? 'private' : 'public' })
    return true
  }
  throw new UserError({
    at: id,
    problem: 'exists and is public; --private makes only a new repository private.',
    remedy: `Change it at ${endpoint}/${id}/settings, take another name, or leave --private out.`,
  })
}

async function ensureBranch({ id, hub }: Target, access: HubAccess, branch: string): Promise<void> {
  try {
    await hub.createBranch({ ...access, repo: modelOf(id), branch })
  } catch (error) {
    if (!(error instanceof hub.HubApiError) || error.statusCode !== 409) throw error // 409: it exists
  }
}
