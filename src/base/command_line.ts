import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, isAbsolute, join, relative, sep } from 'node:path'
import { readText } from './files/read.js'
import { packageRoot } from './root.js'

/** Quotes a word so that a POSIX shell reads it back unchanged. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** Where this program is, and where it was called from; tests pass their own. */
export interface Place {
  root: string
  cwd: string
  path: string
  /** The name that hints use for the program, where a user has set one: for example that of a script that calls it. */
  named?: string | undefined
}

/**
 * Programs of installed packages. npm and npx put this folder on the PATH of what they start; the user's shell does not
 * have it there.
 */
const BIN = join('node_modules', '.bin')

const here = (): Place => ({
  root: packageRoot,
  cwd: process.cwd(),
  path: process.env.PATH ?? '',
  named: process.env.COMPACTER_COMMAND,
})

/**
 * Returns a command to type where this program was called, such as `npx compacter sweep status runs/x`. `words` are
 * what follows `compacter`.
 */
export const commandLine = (words: string, place = here()): string => `${programName(place)} ${words}`

/**
 * Returns the command that sets the native engine up when typed where this program was called: `npm run setup` also
 * installs and builds.
 */
export function setupCommand(place = here()): string {
  const { root, cwd } = place
  if (!isClone(root)) return commandLine('setup', place)
  return contains(root, cwd) ? 'npm run setup' : `npm --prefix ${quoted(root)} run setup`
}

/** Returns the words that start this very copy of the program: the shortest that work from the folder `cwd`. */
function programName({ root, cwd, path, named }: Place): string {
  if (named) return named
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder) && !folder.endsWith(BIN))
  if (folders.some((folder) => startsUs(folder, root))) return 'compacter'
  if (isClone(root)) return contains(root, cwd) ? 'npx compacter' : byPath(root)
  const owner = root.slice(0, root.lastIndexOf(`${sep}node_modules${sep}`))
  const asked = npxPackage(owner)
  if (asked) return `npx --package ${quoted(asked)} compacter`
  if (contains(owner, cwd) && startsUs(join(owner, BIN), root)) return 'npx compacter'
  return byPath(root)
}

const byPath = (root: string): string => `node ${quoted(join(root, 'bin', 'run.js'))}`

const isClone = (root: string): boolean => !root.split(sep).includes('node_modules')

/** Whether `compacter` in this folder is ours: a link to bin/run.js, on Windows a script next to node_modules. */
function startsUs(folder: string, root: string): boolean {
  const ours = process.platform === 'win32' ? root : join(root, 'bin', 'run.js')
  const found = process.platform === 'win32' ? join(folder, 'node_modules', 'compacter') : join(folder, 'compacter')
  return existsSync(found) && existsSync(ours) && realpathSync(found) === realpathSync(ours)
}

/**
 * Returns what npx was asked for, where it installed us in its cache for a single call: a name, a version or a tarball.
 */
function npxPackage(owner: string): string | undefined {
  if (!dirname(owner).endsWith(`${sep}_npx`)) return undefined
  try {
    const { _npx } = JSON.parse(readText(join(owner, 'package.json'))) as { _npx?: { packages?: string[] } }
    return _npx?.packages?.[0]
  } catch {
    return undefined
  }
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return !isAbsolute(way) && way.split(sep)[0] !== '..'
}
