import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Frees what nothing refers to any more. V8 looks for it when its own heap grows; arrays of hundreds of MiB outside
 * that heap can wait for long, next to what TensorFlow allocates meanwhile.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
}
