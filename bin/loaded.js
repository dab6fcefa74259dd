// Uses only Node's own modules, since it runs in a clone where nothing is installed or built.
import { dirname, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Imports one of our modules; if it or what it needs is missing, prints one line that says what to run, and ends the
 * process.
 */
export async function loaded(path) {
  try {
    return await import(path)
  } catch (error) {
    if (!isIncomplete(error)) throw error
    process.stderr.write(`${incomplete(error).message}\n`)
    process.exit(1)
  }
}

/** Whether a module is missing: dist/, or a package. */
export const isIncomplete = ({ code }) => code === 'ERR_MODULE_NOT_FOUND'

/** Returns an error like those of src/base/error.ts, which may be missing too. */
export function incomplete({ message }) {
  const missing = message.split(' imported from ')[0].replace('Cannot find', 'there is no') // Node adds who imported it
  const problem = `is not installed and built as it should be: ${missing}.`
  const remedy = root.split(sep).includes('node_modules')
    ? 'Install compacter again.'
    : `Run${away()}: npm ci && npm run build`
  return Object.assign(new Error(`${root}: ${problem} ${remedy}`), { at: root, problem, remedy })
}

const away = () => (relative(root, process.cwd()).split(sep)[0] === '..' ? ' there' : '')
