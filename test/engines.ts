import { type Device, ENGINES, type EngineName, startDevice } from '../src/engine/device.js'
import { installedEngines } from '../src/engine/provision/cache.js'
import { probeAdapter } from '../src/engine/webgpu.js'

const required = (process.env.COMPACTER_REQUIRE_ENGINES ?? '').split(',').filter(Boolean)

const here: Record<EngineName, boolean> = {
  tensorflow: installedEngines().length > 0,
  // Software adapters compute too, slowly: only on demand.
  webgpu: process.env.COMPACTER_TEST_WEBGPU === '1' || (await hasGpu()),
  wasm: true,
}

/** The engines that the tests of numbers run on here. */
export const engines: EngineName[] = ENGINES.filter((name) => here[name])

for (const name of required) {
  if (!engines.includes(name as EngineName)) {
    throw new Error(`COMPACTER_REQUIRE_ENGINES names ${name}, which is not set up here: run \`npm run setup\`.`)
  }
}

async function hasGpu(): Promise<boolean> {
  return probeAdapter().then(
    (adapter) => !adapter.software,
    () => false,
  )
}

/** Makes it tfjs's backend; for `beforeAll`. Two threads, so that sums are grouped alike on every machine. */
export const useEngine = (name: EngineName): Promise<Device> => startDevice({ engine: name, threads: 2 })
