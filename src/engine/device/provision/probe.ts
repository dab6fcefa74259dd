import type { InstalledEngine } from './cache.js'
import { loadPlan } from './loader.js'
import { runProgram } from './process.js'

/** loadAddon, written for a plain Node without TypeScript and this package. */
const SCRIPT = `
const { loader, libraries, addon } = JSON.parse(process.argv[1])
if (loader) for (const library of libraries) require(loader).open(library)
const binding = require(addon)
console.log(JSON.stringify({ version: binding.TF_Version, gpu: binding.isUsingGpuDevice() }))`

/**
 * Loads the engine in a process of its own, so that a crash does not end this one.
 * @throws Error with the loader's message.
 */
export async function probe(engine: InstalledEngine): Promise<{ version: string; gpu: boolean }> {
  const plan = JSON.stringify(loadPlan(engine))
  const { stdout } = await runProgram(process.execPath, ['-e', SCRIPT, plan])
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as { version: string; gpu: boolean }
}
