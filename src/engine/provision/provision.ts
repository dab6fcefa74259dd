import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { patiently, withLock } from '../../lock.js'
import { nvidiaGpus } from '../nvidia.js'
import {
  type EngineRecord,
  engineFolderPrefix,
  enginesFolder,
  type InstalledEngine,
  installedEngines,
  tfjsNode,
} from './cache.js'
import { libtensorflow } from './libtensorflow.js'
import { probe } from './probe.js'
import { wheel } from './wheel.js'

/** Fills an empty folder with a library and an addon. @throws Error with the reason in a few words. */
export type Origin = (
  folder: string,
  options: { cuda: boolean; report: (line: string) => void },
) => Promise<Pick<EngineRecord, 'origin' | 'addon' | 'cuda' | 'loader'>>

const ORIGINS = { download: libtensorflow, wheel }
export type OriginName = keyof typeof ORIGINS
export const ORIGIN_NAMES = Object.keys(ORIGINS) as OriginName[]

export interface Provisioned {
  /** Undefined where none could be had: wasm computes. */
  engine: InstalledEngine | undefined
  /** Nothing had to be done. */
  already: boolean
  /** What was tried in vain, and why. */
  failures: { origin: string; reason: string }[]
}

/**
 * Makes the native engine ready in the user's cache folder, by the first way that works: an addon that already loads,
 * tfjs-node's own download, the pip wheel. With an NVIDIA GPU the wheel comes first: its CUDA is the newer one.
 * Safe to call twice at once, and to kill: a folder has its final name only when it is complete and has loaded.
 */
export async function provision({
  from,
  report = () => {},
}: {
  from?: OriginName
  report?: (line: string) => void
} = {}): Promise<Provisioned> {
  const cuda = (await nvidiaGpus()).length > 0
  const before = await loadingEngine(cuda)
  if (before) return { engine: before, already: true, failures: [] }
  const lock = join(enginesFolder(), '.lock')
  return withLock(lock, () => build(cuda, from, report), patiently(report))
}

/** On a machine with a GPU an engine without CUDA is not enough. */
async function loadingEngine(cuda: boolean): Promise<InstalledEngine | undefined> {
  for (const engine of installedEngines()) {
    if ((engine.record.cuda || !cuda) && (await probe(engine).catch(() => undefined))) return engine
  }
  return undefined
}

async function build(
  cuda: boolean,
  from: OriginName | undefined,
  report: (line: string) => void,
): Promise<Provisioned> {
  const meanwhile = await loadingEngine(cuda)
  if (meanwhile) return { engine: meanwhile, already: true, failures: [] }
  await removeLeftovers()
  const order: OriginName[] = from ? [from] : cuda ? ['wheel', 'download'] : ['download', 'wheel']
  const failures: Provisioned['failures'] = []
  for (const name of order) {
    const folder = join(enginesFolder(), `${PARTIAL}${randomBytes(6).toString('hex')}`)
    await mkdir(folder, { recursive: true })
    try {
      return { engine: await complete(folder, await ORIGINS[name](folder, { cuda, report })), already: false, failures }
    } catch (error) {
      failures.push({ origin: name, reason: (error as Error).message })
      await rm(folder, { recursive: true, force: true })
    }
  }
  return { engine: undefined, already: false, failures }
}

/** Loads the engine once, in a process of its own, then writes its record and gives the folder its name. */
async function complete(
  folder: string,
  made: Pick<EngineRecord, 'origin' | 'addon' | 'cuda' | 'loader'>,
): Promise<InstalledEngine> {
  const tfjs = tfjsNode().version
  const { version } = await probe({ folder, record: { ...made, tfjs, tensorflow: '', files: {} } })
  const record: EngineRecord = { tfjs, tensorflow: version, ...made, files: await sizes(folder) }
  await writeFile(join(folder, 'engine.json'), `${JSON.stringify(record, null, 2)}\n`, { flush: true })
  const name = `${engineFolderPrefix(tfjs)}tensorflow-${version}${made.cuda ? '-cuda' : ''}`
  const final = join(enginesFolder(), name)
  await rm(final, { recursive: true, force: true }) // one of that name is incomplete, or it would have loaded
  await rename(folder, final)
  return { folder: final, record }
}

/** Of the addons and libraries, by their path in the folder. */
async function sizes(folder: string): Promise<Record<string, number>> {
  const files = await readdir(folder, { recursive: true })
  const libraries = files.filter((file) => /\.(node|so(\.\d+)*|dylib)$/.test(file)).sort()
  return Object.fromEntries(
    await Promise.all(libraries.map(async (file) => [file, (await stat(join(folder, file))).size] as const)),
  )
}

const PARTIAL = '.partial-'

/** Of set-ups that were killed: the lock is ours, so nobody is writing there. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(enginesFolder())) {
    if (name.startsWith(PARTIAL)) await rm(join(enginesFolder(), name), { recursive: true, force: true })
  }
}
