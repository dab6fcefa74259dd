import { setupCommand } from '../../base/command_line.js'
import { UserError } from '../../base/error.js'
import type { Device } from '../../run/manifest.js'
import { type DeviceOptions, startDevice } from '../device/device.js'
import { loadedTensorflow } from '../device/tensorflow.js'
import { type Library, loadLibrary } from './library.js'

/**
 * TensorFlow's C API in the engine that runs.
 * @throws Error where another engine runs, or where the C API can't be called: koffi or the library is missing.
 */
export function runningLibrary(): Library {
  const tensorflow = loadedTensorflow()
  if (!tensorflow) throw new Error('the engine tensorflow is not running')
  return loadLibrary(tensorflow.engine)
}

/**
 * Starts the engine tensorflow for what no other engine can do. `at` is what asks for it, such as `--format
 * saved-model`, and `need` says what for: `needs TensorFlow itself, which writes the variables`.
 * @throws UserError with the reason why it can't be started or called, and the command that sets it up
 */
export async function startTensorflow(
  at: string,
  need: string,
  threads?: DeviceOptions['threads'],
): Promise<{ library: Library; device: Device }> {
  try {
    const device = await startDevice({ engine: 'tensorflow', ...(threads && { threads }) })
    return { library: runningLibrary(), device }
  } catch (error) {
    const { cause, message } = error as Error
    const reason = cause instanceof Error ? cause.message : message
    throw new UserError({ at, problem: `${need}: ${reason}.`, remedy: `Run \`${setupCommand()}\`.` }, { cause: error })
  }
}
