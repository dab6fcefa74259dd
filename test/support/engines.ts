import { ENGINES, type EngineName } from '../../src/base/choices.js'
import { startDevice } from '../../src/engine/device/device.js'
import { installedEngines } from '../../src/engine/device/provision/cache.js'
import { probeAdapter } from '../../src/engine/device/webgpu.js'
import type { Device } from '../../src/run/manifest.js'

const here: Record<EngineName, boolean> = {
  tensorflow: installedEngines().length > 0,
  // Software adapters compute too, slowly: only on demand.
  webgpu: process.env.COMPACTER_TEST_WEBGPU === '1' || (await hasGpu()),
  wasm: true,
}

/**
 * Whether tests of an engine run here; those of one that is not set up are skipped.
 * @throws Error where the engine is missing and COMPACTER_REQUIRE_ENGINES requires it, as .ci/run does: no test of it
 *   is skipped there
 */
export function hasEngine(name: EngineName, found = here, required = process.env.COMPACTER_REQUIRE_ENGINES): boolean {
  const names = (required ?? '').split(',').filter(Boolean)
  const unknown = names.find((each) => !ENGINES.includes(each as EngineName))
  if (unknown !== undefined)
    throw new Error(`COMPACTER_REQUIRE_ENGINES names ${unknown}; engines are ${ENGINES.join(', ')}.`)
  if (!found[name] && names.includes(name))
    throw new Error(`COMPACTER_REQUIRE_ENGINES names ${name}, which is not set up here: run \`npm run setup\`.`)
  return found[name]
}

/** The engines that the tests of numbers run on here. */
export const engines: EngineName[] = ENGINES.filter((name) => hasEngine(name))

async function hasGpu(): Promise<boolean> {
  return probeAdapter().then(
    (adapter) => !adapter.software,
    () => false,
  )
}

/** Makes it tfjs's backend; for `beforeAll`. Two threads, so that sums are grouped alike on every machine. */
export const useEngine = (name: EngineName): Promise<Device> => startDevice({ engine: name, threads: 2 })
