import { ownCache } from './files/cache_folder.js'

/**
 * Returns the folder in which Node keeps the bytecode of our sources between starts. It is undefined where other users
 * could put theirs, which would run as ours, and where nothing can be written. Node's own choice is a name in the
 * common temporary folder.
 */
export function compiledCodeFolder(): string | undefined {
  try {
    return ownCache('compiled')
  } catch {
    return undefined // starts a little slower
  }
}
