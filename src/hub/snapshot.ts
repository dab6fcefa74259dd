import { existsSync, realpathSync, rmSync, statfsSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { ListFileEntry } from '@huggingface/hub'
import { UserError } from '../base/error.js'
import { copyFile, makeFolder, writeAtomically } from '../base/files/atomic.js'
import { hubCache } from '../base/files/hub_folder.js'
import { readText } from '../base/files/read.js'
import { once } from '../base/lock/lock.js'
import { errorLine } from '../base/text/printable.js'
import { byteSize } from '../base/text/size.js'
import { type Access, hubAccess, hubFetch, isOffline } from './access.js'
import { bytesOf, type DownloadOptions, downloadFile } from './download.js'
import { listingFetch } from './listing.js'
import { address, listError, type Repository, type Source } from './refusal.js'

export interface DownloadProgress {
  /** The file that is being fetched. */
  file: string
  /** Of all files together, including those of an earlier attempt. */
  bytes: number
  totalBytes: number
}

/** Receives news of a download. */
export interface DownloadListener {
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  /**
   * Called before the first request with a line that says what is fetched from where, and with a line where another
   * process fetches the same file. By default the lines go to standard error.
   */
  onNote?: ((line: string) => void) | undefined
}

export interface HubOptions extends Omit<DownloadOptions, 'onBytes'>, DownloadListener {}

/** What the hub lists, and where it is stored. */
export interface Listing {
  /** The repository's address. */
  at: string
  files: Map<string, ListFileEntry>
  /** The folder that files are linked into, under their paths. */
  snapshot: string
  /** Fetches files that have to be read before the others can be chosen. */
  fetch(files: ListFileEntry[]): Promise<void>
}

export interface Selection {
  /** Lists only the files below this folder. */
  under?: string
  /** Lists the files in folders too. */
  recursive?: boolean
  /** Whether a cached snapshot has all the files that are needed. A file gets its name only when it is whole. */
  isComplete(snapshot: string): boolean
  choose(listing: Listing): ListFileEntry[] | Promise<ListFileEntry[]>
}

const REVISION = 'main'

/**
 * Returns the folder of a repository's snapshot in the standard Hugging Face cache, shared with the Python libraries.
 * What is in the cache is used without asking the network; the rest is downloaded, and a broken download is continued.
 * Honours HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE.
 * @throws UserError: no network, offline and not cached, no such repository, no access, disk full, content that is not
 *   what the hub announced; and what `selection.choose` throws.
 */
export async function downloadSnapshot(
  repository: Repository,
  selection: Selection,
  options: HubOptions = {},
): Promise<string> {
  const storage = storageOf(repository)
  const cached = cachedSnapshot(storage)
  if (cached && selection.isComplete(cached)) return cached
  if (isOffline()) {
    throw new UserError({
      at: repository.id,
      problem: `is not in the cache (${storage}), and HF_HUB_OFFLINE forbids to download it.`,
      remedy: `Unset HF_HUB_OFFLINE, or ${repository.instead}.`,
    })
  }
  const hub = await import('@huggingface/hub')
  const access = hubAccess()
  const source = { repository, hub, ...access }
  const note = options.onNote ?? errorLine
  note(fetching(source, access))
  const { commit, files } = await list(source, selection)
  const snapshot = join(storage, 'snapshots', commit)
  const fetch = (chosen: ListFileEntry[]) => fetchAll(source, storage, snapshot, chosen, options)
  await fetch(await selection.choose({ at: address(source), files, snapshot, fetch }))
  save(join(storage, 'refs', REVISION), commit)
  return snapshot
}

/**
 * Says what is fetched and with which token. A run or an experiment by other people names what is fetched, but the
 * token is the user's, so the user must know.
 */
function fetching({ repository: { type, id }, endpoint }: Source, { tokenFrom }: Access): string {
  const shown = tokenFrom === undefined ? 'without a token' : `with the token in ${tokenFrom}`
  return `Fetching the ${type === 'model' ? 'model' : 'data set'} ${id} from ${endpoint}, ${shown}.`
}

/** Whether `downloadSnapshot` would have nothing to download. */
export async function isCached(
  repository: Pick<Repository, 'type' | 'id'>,
  { isComplete }: Pick<Selection, 'isComplete'>,
) {
  const cached = cachedSnapshot(storageOf(repository))
  return cached !== undefined && isComplete(cached)
}

const storageOf = ({ type, id }: Pick<Repository, 'type' | 'id'>) =>
  join(hubCache(), `${type}s--${id.replace('/', '--')}`)

function cachedSnapshot(storage: string): string | undefined {
  const ref = join(storage, 'refs', REVISION)
  return existsSync(ref) ? join(storage, 'snapshots', readText(ref).trim()) : undefined
}

async function list(
  source: Source,
  { under, recursive = false }: Pick<Selection, 'under' | 'recursive'>,
): Promise<Pick<Listing, 'files'> & { commit: string }> {
  const { repository, hub, endpoint, token } = source
  const { type, id } = repository
  const common = {
    hubUrl: endpoint,
    fetch: listingFetch(address(source), hubFetch(endpoint)),
    ...(token && { accessToken: token }),
  }
  try {
    const wanted = { ...common, name: id, revision: REVISION, additionalFields: ['sha' as const] }
    const { sha } = await (type === 'model' ? hub.modelInfo(wanted) : hub.datasetInfo(wanted))
    if (!/^[0-9a-f]{40}$/.test(sha)) throw new UserError({ at: endpoint, problem: `names no commit for ${id}.` })
    const files = new Map<string, ListFileEntry>()
    const where = { repo: { type, name: id }, revision: sha, ...(under !== undefined && { path: under }) }
    for await (const entry of hub.listFiles({ ...common, ...where, recursive })) {
      if (entry.type === 'file') files.set(entry.path, entry)
    }
    return { commit: sha, files }
  } catch (error) {
    throw listError(source, error)
  }
}

async function fetchAll(
  source: Source,
  storage: string,
  snapshot: string,
  files: ListFileEntry[],
  options: HubOptions,
): Promise<void> {
  const blobs = join(storage, 'blobs')
  const here = (entry: ListFileEntry) => {
    const blob = join(blobs, blobName(entry))
    return existsSync(blob) ? entry.size : bytesOf(`${blob}.incomplete`)
  }
  makeFolder(blobs)
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0)
  checkSpace(blobs, totalBytes - files.reduce((sum, entry) => sum + here(entry), 0))
  let before = 0
  for (const entry of files) {
    const blob = join(blobs, blobName(entry))
    const onBytes = (bytes: number) => options.onProgress?.({ file: entry.path, bytes: before + bytes, totalBytes })
    const download = () => downloadFile(remoteFile(source, snapshot, entry), blob, { ...options, onBytes })
    if (!existsSync(blob)) await once(blob, download, options.onNote ?? errorLine)
    link(blob, join(snapshot, entry.path))
    before += entry.size
    onBytes(0)
  }
}

/** Names a blob as the Python library does: a large file's SHA-256, otherwise git's hash. */
function blobName(entry: ListFileEntry): string {
  const name = entry.lfs?.oid ?? entry.oid ?? ''
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name)) {
    throw new UserError({ at: entry.path, problem: `the hub lists it without a hash ("${name}").` })
  }
  return name
}

function remoteFile(source: Source, snapshot: string, entry: ListFileEntry) {
  const commit = snapshot.slice(-40)
  return {
    url: `${address(source)}/resolve/${commit}/${entry.path}`,
    token: source.token,
    size: entry.size,
    digest: { kind: entry.lfs ? ('sha256' as const) : ('git' as const), hex: blobName(entry) },
  }
}

function checkSpace(folder: string, needed: number): void {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (needed <= free) return
  throw new UserError({
    at: folder,
    problem: `has ${byteSize(free)} free; the download needs ${byteSize(needed)}.`,
    remedy: 'Free some space, or set HF_HOME to a folder on another disk.',
  })
}

function save(path: string, text: string): void {
  makeFolder(dirname(path))
  writeAtomically(path, text)
}

/** Makes a link with a relative target, so that a cache can be moved. */
function link(blob: string, path: string): void {
  makeFolder(dirname(path))
  rmSync(path, { force: true })
  try {
    symlinkSync(relative(realpathSync(dirname(path)), realpathSync(blob)), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return // another process made it meanwhile
    copyFile(blob, path) // Windows without the right to make links
  }
}
