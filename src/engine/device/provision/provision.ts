import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OriginName } from '../../../base/choices.js'
import { makeFolder, writeAtomically } from '../../../base/files/atomic.js'
import { hashFiles } from '../../../base/files/hash.js'
import { asUserError } from '../../../base/files/write_error.js'
import { patiently, withLock } from '../../../base/lock/lock.js'
import { nvidiaGpus } from '../nvidia.js'
import {
  damageOf,
  type EngineRecord,
  engineFolderPrefix,
  engineFolders,
  enginesFolder,
  type InstalledEngine,
  installedEngines,
  readRecord,
  strangerAt,
  tfjsNode,
} from './cache.js'
import { libtensorflow } from './libtensorflow.js'
import { loadPlan } from './loader.js'
import { probe } from './probe.js'
import { wheel } from './wheel.js'

/** Fills an empty folder with a library and an addon. @throws Error with the reason in a few words. */
export type Origin = (
  folder: string,
  options: { cuda: boolean; unpinned: boolean; report: (line: string) => void },
) => Promise<Pick<EngineRecord, 'origin' | 'cuda'>>

const origins: Record<OriginName, Origin> = { download: libtensorflow, wheel }

export interface Provisioned {
  /** Undefined if no native engine is available: wasm computes. */
  engine: InstalledEngine | undefined
  /** Whether nothing had to be done. */
  already: boolean
  /** The origins that failed, and why. */
  failures: { origin: string; reason: string }[]
}

export interface SetupOptions {
  from?: OriginName
  /** Also accept wheels whose hash we do not know. */
  unpinned?: boolean
  report?: (line: string) => void
}

/**
 * Makes the native engine ready in the user's cache folder, in the first way that works: an addon that already loads,
 * tfjs-node's own download, the pip wheel. With an NVIDIA GPU the wheel comes first, since its CUDA is newer. It is
 * safe to run twice at once, and to kill: a folder gets its final name only when it is complete and has been loaded.
 */
export async function provision({ report = () => {}, ...options }: SetupOptions = {}): Promise<Provisioned> {
  const stranger = strangerAt(enginesFolder())
  if (stranger) return { engine: undefined, already: false, failures: [{ origin: 'cache', reason: stranger }] }
  makeFolder(enginesFolder(), 0o700)
  addHashes(report)
  const cuda = (await nvidiaGpus()).length > 0
  const before = await loadingEngine(cuda)
  if (before) return { engine: before, already: true, failures: [] }
  const lock = join(enginesFolder(), '.lock')
  return withLock(lock, () => build(cuda, { report, ...options }), patiently(report))
}

/** Returns an engine that loads. On a machine with a GPU an engine without CUDA is not enough. */
async function loadingEngine(cuda: boolean): Promise<InstalledEngine | undefined> {
  for (const engine of installedEngines()) {
    if ((engine.record.cuda || !cuda) && (await probe(engine).catch(() => undefined))) return engine
  }
  return undefined
}

async function build(
  cuda: boolean,
  { from, unpinned = false, report }: SetupOptions & { report: (line: string) => void },
): Promise<Provisioned> {
  const meanwhile = await loadingEngine(cuda)
  if (meanwhile) return { engine: meanwhile, already: true, failures: [] }
  await removeLeftovers()
  const order: OriginName[] = from ? [from] : cuda ? ['wheel', 'download'] : ['download', 'wheel']
  const failures: Provisioned['failures'] = []
  for (const name of order) {
    const folder = join(enginesFolder(), `${PARTIAL}${randomBytes(6).toString('hex')}`)
    await mkdir(folder, { recursive: true })
    const remove = () => rmSync(folder, { recursive: true, force: true })
    process.once('exit', remove) // a signal ends the process during this
    try {
      return {
        engine: await complete(folder, await origins[name](folder, { cuda, unpinned, report })),
        already: false,
        failures,
      }
    } catch (error) {
      failures.push({ origin: name, reason: (asUserError(error, folder) as Error).message })
      await rm(folder, { recursive: true, force: true })
    } finally {
      process.off('exit', remove)
    }
  }
  return { engine: undefined, already: false, failures }
}

/** Loads the engine once, in a process of its own, then writes its record and gives the folder its name. */
async function complete(folder: string, made: Pick<EngineRecord, 'origin' | 'cuda'>): Promise<InstalledEngine> {
  const tfjs = tfjsNode().version
  const files = sizesOf(folder)
  const unnamed = { tfjs, tensorflow: '', ...made, files, sha256: hashesOf(folder, Object.keys(files)) }
  const { version } = await probe({ folder, record: unnamed })
  const record: EngineRecord = { ...unnamed, tensorflow: version }
  writeRecord(folder, record)
  const name = `${engineFolderPrefix(tfjs)}tensorflow-${version}${made.cuda ? '-cuda' : ''}`
  const final = join(enginesFolder(), name)
  await rm(final, { recursive: true, force: true }) // one of that name is incomplete, or it would have loaded
  await rename(folder, final)
  const engine = { folder: final, record }
  loadPlan(engine) // hashes are remembered by a file's place
  return engine
}

const writeRecord = (folder: string, record: EngineRecord): void =>
  writeAtomically(join(folder, 'engine.json'), `${JSON.stringify(record, null, 2)}\n`)

/** Returns the sizes of addons and libraries, by their path in the folder. */
function sizesOf(folder: string): Record<string, number> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const libraries = files.filter((file) => /\.(node|so(\.\d+)*|dylib)$/.test(file)).sort()
  return Object.fromEntries(libraries.map((file) => [file, statSync(join(folder, file)).size]))
}

const hashesOf = (folder: string, files: string[]): Record<string, string> =>
  Object.fromEntries(files.map((file) => [file, hashFiles([join(folder, file)])]))

/** Adds hashes to the records of older versions, which had none; nobody else could have written to these folders. */
function addHashes(report: (line: string) => void): void {
  for (const folder of engineFolders()) {
    const record = readRecord(folder)
    if (!record || record.sha256 || damageOf(folder, record) || strangerAt(folder, record.files)) continue
    report(`hashing the engine in ${folder}`)
    writeRecord(folder, { ...record, sha256: hashesOf(folder, Object.keys(record.files)) })
  }
}

const PARTIAL = '.partial-'

/** Removes folders of set-ups that were killed: we hold the lock, so nobody is writing there. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(enginesFolder())) {
    if (name.startsWith(PARTIAL)) await rm(join(enginesFolder(), name), { recursive: true, force: true })
  }
}
