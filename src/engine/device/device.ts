import { availableParallelism } from 'node:os'
import { ENGINES, type EngineName } from '../../base/choices.js'
import { setupCommand } from '../../base/command_line.js'
import { UserError } from '../../base/error.js'
import type { Device } from '../../run/manifest.js'
import tf from '../../tensor/tf.cjs'
import { nvidiaGpus } from './nvidia.js'
import { missingCudaLibraries } from './provision/loader.js'
import { type LoadedTensorflow, loadTensorflow } from './tensorflow.js'
import { loadWasm } from './wasm.js'
import { loadWebgpu, probeAdapter } from './webgpu.js'

export interface DeviceOptions {
  engine?: EngineName | 'auto'
  threads?: number | undefined
}

const started = new Map<EngineName, Device>()

/**
 * Makes the named engine, or the first that works, tfjs's backend. COMPACTER_ENGINE replaces `engine: 'auto'`. An
 * engine starts once in a process, with the threads of that first call.
 * @throws UserError if the named engine is not available.
 */
export async function startDevice({ engine = 'auto', threads }: DeviceOptions = {}): Promise<Device> {
  const wanted = engine === 'auto' ? engineFromEnvironment() : engine
  if (wanted !== 'auto') return start(wanted, threads).catch((error) => refuse(wanted, error))
  const notes: string[] = []
  for (const name of ENGINES) {
    try {
      const device = await start(name, threads, { hardwareOnly: true })
      return { ...device, notes: [...notes, ...device.notes] }
    } catch (error) {
      notes.push(`${name}: ${(error as Error).message}`)
    }
  }
  return refuse('wasm', new Error(notes.join('\n')))
}

function engineFromEnvironment(): EngineName | 'auto' {
  const name = process.env.COMPACTER_ENGINE || 'auto'
  if (name === 'auto' || ENGINES.includes(name as EngineName)) return name as EngineName | 'auto'
  throw new UserError({
    problem: `COMPACTER_ENGINE is '${name}'; there is no such engine.`,
    remedy: `Set it to auto, ${ENGINES.slice(0, -1).join(', ')} or ${ENGINES.at(-1)}.`,
  })
}

function refuse(engine: EngineName, error: Error): never {
  const remedy = {
    tensorflow: `Run \`${setupCommand()}\`, or take another engine with --engine auto.`,
    webgpu: 'Install your graphics driver, or take another engine with --engine auto.',
    wasm: 'Install compacter again; in a clone: `npm ci`.',
  }[engine]
  throw new UserError({ problem: `The engine ${engine} can't start: ${error.message}.`, remedy }, { cause: error })
}

/** Returns 'ready', or why the engine can't start here. Does not change tfjs's backend. */
export async function engineState(engine: EngineName): Promise<string> {
  const backend = tf.getBackend()
  try {
    return `ready: ${(await start(engine, undefined, { hardwareOnly: true })).description}`
  } catch (error) {
    return (error as Error).message
  } finally {
    if (backend) await tf.setBackend(backend)
  }
}

async function start(
  engine: EngineName,
  threads = availableParallelism(),
  { hardwareOnly = false } = {},
): Promise<Device> {
  const known = started.get(engine)
  const device = known ?? (await starters[engine](threads, hardwareOnly))
  if (!(await tf.setBackend(engine))) throw new Error(`tfjs could not set its backend ${engine}`)
  await tf.ready()
  started.set(engine, device)
  return device
}

const starters: Record<EngineName, (threads: number, hardwareOnly: boolean) => Promise<Device>> = {
  async tensorflow(threads) {
    const { engine, version, gpu } = loadTensorflow(threads)
    const origin = engine.record.origin
    const notes = gpu ? [] : await whyNoGpu(engine)
    const where = gpu ? 'CUDA GPU' : `${threads} CPU thread${threads === 1 ? '' : 's'}`
    const description = `TensorFlow ${version} from ${origin}, ${where}`
    return { engine: 'tensorflow', description, version, origin, threads, ...(gpu && { gpu: 'CUDA' }), notes }
  },
  async webgpu(_threads, hardwareOnly) {
    const adapter = await probeAdapter()
    if (hardwareOnly && adapter.software) throw new Error(`the only adapter, ${adapter.name}, is software`)
    await loadWebgpu()
    const origin = 'the npm package webgpu'
    const description = `WebGPU from ${origin}, ${adapter.name}`
    return { engine: 'webgpu', description, version: tf.version_core, origin, threads: 1, gpu: adapter.name, notes: [] }
  },
  async wasm() {
    const version = await loadWasm()
    const origin = 'the npm package @tensorflow/tfjs-backend-wasm'
    return {
      engine: 'wasm',
      description: `WebAssembly ${version}, 1 CPU thread`,
      version,
      origin,
      threads: 1,
      notes: [],
    }
  },
}

/** Returns a warning that names what is missing where a GPU is present but TensorFlow does not use it. */
async function whyNoGpu(engine: LoadedTensorflow['engine']): Promise<string[]> {
  const gpus = await nvidiaGpus()
  if (gpus.length === 0) return []
  const missing = missingCudaLibraries(engine)
  const reason = !engine.record.cuda
    ? `the engine set up here is for CPUs: run \`${setupCommand()}\``
    : missing.length > 0
      ? missing.join('; ')
      : 'TensorFlow found no device on it; CUDA_VISIBLE_DEVICES may hide it'
  return [`${gpus.join(', ')} is not used: ${reason}.`]
}
