import { native } from '../../base/native.js'

let trim: ((pad: number) => number) | undefined | null

/**
 * Returns freed memory to the system, where libc keeps it: TensorFlow plans the graph of a small model in a hundred
 * MiB, which glibc would keep for good. Does nothing where libc has no `malloc_trim`.
 */
export function giveBackMemory(): void {
  if (trim === undefined) trim = mallocTrim()
  trim?.(0)
}

function mallocTrim(): ((pad: number) => number) | null {
  if (process.platform !== 'linux') return null
  try {
    return native().load(null).func('int malloc_trim(size_t)')
  } catch {
    return null
  }
}
