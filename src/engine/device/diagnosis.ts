import { cpus, freemem, totalmem } from 'node:os'
import { ENGINES, type EngineName } from '../../base/choices.js'
import { setupCommand } from '../../base/command_line.js'
import { UserError } from '../../base/error.js'
import { cacheFolder } from '../../base/files/cache_folder.js'
import { median } from '../../base/numbers/quantile.js'
import type { Device } from '../../run/manifest.js'
import tf from '../../tensor/tf.cjs'
import { openMpi } from '../cluster/mpi.js'
import { engineState, startDevice } from './device.js'
import { nvidiaGpus } from './nvidia.js'
import { missingTools } from './provision/tools.js'

export interface Diagnosis {
  node: string
  platform: string
  cpu: string
  /** NVIDIA GPUs that the system reports, used or not. */
  gpus: string[]
  /** In bytes. */
  memory: { free: number; total: number }
  device: Device
  /** For every engine: 'ready', or why it can't start. */
  engines: Record<EngineName, string>
  /** Speed of a [1024, 1024] float32 matrix product in 10⁹ operations per second, median of several. */
  gflops: number
  cache: string
  /** The MPI library that --mpi would use, or why there is none. */
  mpi: string
  /** What would make it faster, and the one command that installs it. */
  missing?: { what: string; command: string }
}

/** Starts the engine that training would use, and measures it. */
export async function diagnose(): Promise<Diagnosis> {
  const device = await startDevice()
  const engines = await Promise.all(ENGINES.map(async (name) => [name, await engineState(name)] as const))
  const gpus = await nvidiaGpus()
  const free = process.availableMemory?.() ?? freemem()
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} threads`,
    gpus,
    memory: { free, total: totalmem() },
    device,
    engines: Object.fromEntries(engines) as Record<EngineName, string>,
    gflops: await measureGflops(),
    cache: cacheFolder(),
    mpi: mpiState(),
    ...(await missing(device, gpus)),
  }
}

function mpiState(): string {
  try {
    const { version, path } = openMpi()
    return `${version}, ${path}`
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return `none: ${error.problem}`
  }
}

async function missing({ engine, gpu, notes }: Device, gpus: string[]): Promise<Pick<Diagnosis, 'missing'>> {
  const needed = engine === 'wasm' ? 'The native engine, many times faster than WebAssembly.' : notes.at(-1)
  if (engine !== 'wasm' && (gpus.length === 0 || gpu || !needed)) return {}
  const tools = await missingTools()
  const what = [needed!, ...tools.map(({ what }) => `It needs ${what}.`)].join(' ')
  return { missing: { what, command: [...tools.map(({ command }) => command), setupCommand()].join(' && ') } }
}

const SIZE = 1024
const ROUNDS = 7

/** Measures products. The first one, which sets up threads and caches, does not count. */
async function measureGflops(): Promise<number> {
  const x = tf.randomUniform([SIZE, SIZE], -1, 1, 'float32', 1)
  const rates: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const begin = performance.now()
    const product = tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D)
    await product.data()
    rates.push((2 * SIZE ** 3) / (performance.now() - begin) / 1e6)
    product.dispose()
  }
  x.dispose()
  return median(rates.slice(1))
}
