import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { ListFileEntry } from '@huggingface/hub'
import { writeAtomically, writeError } from '../atomic.js'
import { UserError } from '../error.js'
import { bytesOf, type DownloadOptions, downloadFile, networkReason } from './download.js'
import { once } from './lock.js'
import { shardNames } from './weights.js'

export interface DownloadProgress {
  /** The file that is being fetched. */
  file: string
  /** Of all files together, those of an earlier attempt included. */
  bytes: number
  totalBytes: number
}

export interface HubOptions extends Omit<DownloadOptions, 'onBytes'> {
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Names to offer where the hub knows no such model. */
  presets?: string[]
}

const REVISION = 'main'
const NEEDED = ['config.json', 'tokenizer.json']
const OPTIONAL = ['generation_config.json']
const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/**
 * The folder of a hub's T5 in the standard Hugging Face cache, shared with the Python libraries. What is there is used
 * without a word to the network; what is not is downloaded, and a broken download is continued.
 * Honours HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE.
 * @throws UserError: no network, offline and not cached, no such model, no access, no safetensors or tokenizer.json,
 * disk full, content that is not what the hub announced.
 */
export async function downloadModel(id: string, options: HubOptions = {}): Promise<string> {
  const hub = await import('@huggingface/hub')
  const storage = join(hub.getHFHubCachePath(), `models--${id.replace('/', '--')}`)
  const cached = cachedSnapshot(storage)
  if (cached) return cached
  if (isOffline()) {
    throw new UserError({
      at: id,
      problem: `is not in the cache (${storage}), and HF_HUB_OFFLINE forbids to download it.`,
      remedy: 'Unset HF_HUB_OFFLINE, or name a folder.',
    })
  }
  const source = { id, endpoint: endpoint(), token: accessToken(), hub, options }
  const { commit, files } = await listModel(source)
  const snapshot = join(storage, 'snapshots', commit)
  await fetchAll(source, storage, snapshot, await chosenFiles(source, files, storage, snapshot))
  save(join(storage, 'refs', REVISION), commit)
  return snapshot
}

interface Source {
  id: string
  endpoint: string
  token: string | undefined
  hub: typeof import('@huggingface/hub')
  options: HubOptions
}

function isOffline(): boolean {
  return /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '')
}

function endpoint(): string {
  return (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')
}

/** HF_TOKEN, or the file that `hf auth login` leaves. */
function accessToken(): string | undefined {
  const home = process.env.HF_HOME ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface')
  const file = process.env.HF_TOKEN_PATH ?? join(home, 'token')
  const token = process.env.HF_TOKEN || (existsSync(file) ? readFileSync(file, 'utf8') : '')
  return token.trim() || undefined
}

function cachedSnapshot(storage: string): string | undefined {
  const ref = join(storage, 'refs', REVISION)
  if (!existsSync(ref)) return undefined
  const snapshot = join(storage, 'snapshots', readFileSync(ref, 'utf8').trim())
  return isComplete(snapshot) ? snapshot : undefined
}

/** A file has its name only once it is whole, so being there is enough. */
function isComplete(snapshot: string): boolean {
  const has = (name: string) => existsSync(join(snapshot, name))
  if (!NEEDED.every(has)) return false
  return has(SINGLE) || (has(INDEX) && shards(join(snapshot, INDEX)).every(has))
}

function shards(index: string): string[] {
  return shardNames(JSON.parse(readFileSync(index, 'utf8')), index)
}

async function listModel(source: Source): Promise<{ commit: string; files: Map<string, ListFileEntry> }> {
  const { id, hub, endpoint, token } = source
  const common = { hubUrl: endpoint, fetch: impatientFetch, ...(token && { accessToken: token }) }
  try {
    const { sha } = await hub.modelInfo({ ...common, name: id, revision: REVISION, additionalFields: ['sha'] })
    if (!/^[0-9a-f]{40}$/.test(sha)) throw new UserError({ at: endpoint, problem: `names no commit for ${id}.` })
    const files = new Map<string, ListFileEntry>()
    for await (const entry of hub.listFiles({ ...common, repo: id, revision: sha })) {
      if (entry.type === 'file') files.set(entry.path, entry)
    }
    return { commit: sha, files }
  } catch (error) {
    throw listError(source, error)
  }
}

const impatientFetch: typeof fetch = (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(60_000) })

function listError({ id, hub, endpoint, token, options }: Source, error: unknown): unknown {
  if (error instanceof hub.HubApiError) return refusal(id, endpoint, error.statusCode, token, options.presets ?? [])
  const { name, message } = error as Error
  if (message.includes("'hf_'")) {
    return new UserError({ at: 'HF_TOKEN', problem: 'is no access token: they begin with hf_.' }, { cause: error })
  }
  if (name === 'SyntaxError') {
    const problem = `${endpoint} answers, but not as a hub does.`
    return new UserError({ at: id, problem, remedy: 'Check HF_ENDPOINT, and what stands between you and it.' })
  }
  if (name !== 'TypeError' && name !== 'TimeoutError') return error
  return new UserError(
    {
      at: id,
      problem: `cannot be downloaded: ${endpoint} is not reachable (${networkReason(error)}).`,
      remedy: 'Check the network, set HF_ENDPOINT to a mirror, or name a folder that has the files.',
    },
    { cause: error },
  )
}

function refusal(
  id: string,
  endpoint: string,
  status: number,
  token: string | undefined,
  presets: string[],
): UserError {
  const known = presets.length > 0 ? ` Presets: ${presets.join(', ')}.` : ''
  if (status === 404 || (status === 401 && !token)) {
    return new UserError({
      at: id,
      problem: `${endpoint} has no such model, or shows it only with a token (${status}).`,
      remedy: `Check the name, or set HF_TOKEN.${known}`,
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
      remedy: `Ask for access at ${endpoint}/${id}, and set HF_TOKEN to a token of that account.`,
    })
  }
  return new UserError({ at: id, problem: `${endpoint} answers ${status}.`, remedy: 'Try again later.' })
}

/** The files to have, of which the index is fetched at once: it names the others. */
async function chosenFiles(
  source: Source,
  files: Map<string, ListFileEntry>,
  storage: string,
  snapshot: string,
): Promise<ListFileEntry[]> {
  const at = `${source.endpoint}/${source.id}`
  const find = (name: string): ListFileEntry => {
    const entry = files.get(name)
    if (entry) return entry
    const { problem, remedy } = lacking(name, files)
    throw new UserError({ at, problem, remedy })
  }
  const chosen = [...NEEDED.map(find), ...OPTIONAL.flatMap((name) => files.get(name) ?? [])]
  if (files.has(SINGLE) || !files.has(INDEX)) return [...chosen, find(SINGLE)]
  await fetchAll(source, storage, snapshot, [find(INDEX)])
  return [...chosen, ...shards(join(snapshot, INDEX)).map(find)]
}

function lacking(name: string, files: Map<string, unknown>): { problem: string; remedy: string } {
  if (name === SINGLE && files.has('pytorch_model.bin')) {
    return {
      problem: `has pytorch_model.bin, but no ${SINGLE}.`,
      remedy:
        'Download and convert it in Python: T5ForConditionalGeneration.from_pretrained(…).save_pretrained(FOLDER).',
    }
  }
  if (name === 'tokenizer.json') {
    return {
      problem: 'has no tokenizer.json.',
      remedy: 'Download it in Python and save it: AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER).',
    }
  }
  return { problem: `has no ${name}.`, remedy: 'Name a T5 whose weights are safetensors.' }
}

async function fetchAll(source: Source, storage: string, snapshot: string, files: ListFileEntry[]): Promise<void> {
  const blobs = join(storage, 'blobs')
  const here = (entry: ListFileEntry) => {
    const blob = join(blobs, blobName(entry))
    return existsSync(blob) ? entry.size : bytesOf(`${blob}.incomplete`)
  }
  makeFolder(blobs)
  makeFolder(snapshot)
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0)
  checkSpace(blobs, totalBytes - files.reduce((sum, entry) => sum + here(entry), 0))
  let before = 0
  for (const entry of files) {
    const blob = join(blobs, blobName(entry))
    const onBytes = (bytes: number) =>
      source.options.onProgress?.({ file: entry.path, bytes: before + bytes, totalBytes })
    const download = () => downloadFile(remoteFile(source, snapshot, entry), blob, { ...source.options, onBytes })
    if (!existsSync(blob)) await once(blob, download)
    link(blob, join(snapshot, entry.path))
    before += entry.size
    onBytes(0)
  }
}

/** As the Python library names them: a large file's SHA-256, else git's hash. */
function blobName(entry: ListFileEntry): string {
  const name = entry.lfs?.oid ?? entry.oid ?? ''
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name)) {
    throw new UserError({ at: entry.path, problem: `the hub lists it without a hash ("${name}").` })
  }
  return name
}

function remoteFile({ id, endpoint, token }: Source, snapshot: string, entry: ListFileEntry) {
  const commit = snapshot.slice(-40)
  return {
    url: `${endpoint}/${id}/resolve/${commit}/${entry.path}`,
    token,
    size: entry.size,
    digest: { kind: entry.lfs ? ('sha256' as const) : ('git' as const), hex: blobName(entry) },
  }
}

function checkSpace(folder: string, needed: number): void {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (needed <= free) return
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
  throw new UserError({
    at: folder,
    problem: `has ${megabytes(free)} free; the download needs ${megabytes(needed)}.`,
    remedy: 'Free some space, or set HF_HOME to a folder on another disk.',
  })
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw writeError(path, error)
  }
}

function save(path: string, text: string): void {
  makeFolder(dirname(path))
  writeAtomically(path, text)
}

/** Relative, so that a cache can be moved. */
function link(blob: string, path: string): void {
  rmSync(path, { force: true })
  try {
    symlinkSync(relative(realpathSync(dirname(path)), realpathSync(blob)), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return // another process made it meanwhile
    copyFileSync(blob, path) // Windows without the right to make links.
  }
}
