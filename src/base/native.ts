import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const DEEP = 8 * 2 ** 20

let configured: typeof import('koffi') | undefined

/**
 * Returns koffi, with stacks for its calls that are as deep as a thread's: TensorFlow plans large graphs on them, and
 * MPICH sums large vectors. Their size can be set only before the first call.
 * @throws Error where koffi has no binary for this platform.
 */
export function native(): typeof import('koffi') {
  if (configured) return configured
  const koffi = require('koffi') as typeof import('koffi')
  koffi.config({ sync_stack_size: DEEP, async_stack_size: DEEP })
  configured = koffi
  return koffi
}
