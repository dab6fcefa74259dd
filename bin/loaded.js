// Only Node's own modules: this runs in a clone where nothing is installed or built.
import { dirname, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Imports one of our modules; where it or what it needs is not there, one line says what to run, and the process ends. */
export async function loaded(path) {
  try {
    return await import(path)
  } catch (error) {
    if (!isIncomplete(error)) throw error
    process.stderr.write(`${incomplete(error).message}\n`)
    process.exit(1)
  }
}

/** Whether a module is not there: dist/, or a package. */
export const isIncomplete = ({ code }) => code === 'ERR_MODULE_NOT_FOUND'

/** An error as src/base/error.ts has them, which is not there either. */
export function incomplete({ message }) {
  const missing = message.split(' imported from ')[0].replace('Cannot find', 'there is no') // then Node says who asked for it
  const problem = `is not installed and built as it should be: ${missing}.`
  const remedy = root.split(sep).includes('node_modules')
    ? 'Install compacter again.'
    : `Run${away()}: npm ci && npm run build`
  return Object.assign(new Error(`${root}: ${problem} ${remedy}`), { at: root, problem, remedy })
}

const away = () => (relative(root, process.cwd()).split(sep)[0] === '..' ? ' there' : '')
