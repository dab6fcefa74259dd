// Uses only Node's own modules, since it runs on a fresh clone, before anything is installed.
import { spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const modified = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs

/** Installs the locked packages, if that is not done: npm writes its own copy of the lock file last. */
export async function install() {
  if ((modified('node_modules/.package-lock.json') ?? 0) >= modified('package-lock.json')) return
  say('Installing packages')
  await succeed('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** Builds dist/, if any source is newer. */
export async function build() {
  const built = modified('oclif.manifest.json') ?? 0
  const sources = ['src', 'commands'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)),
  )
  if (modified('dist') && [...sources, 'package.json'].every((file) => modified(file) <= built)) return
  say('Building')
  await succeed('npm', ['run', '--silent', 'build'])
}

/** Sets the native engine up; if it is not available, the command says so, and wasm computes. */
export const setup = () => compacter('setup')

export const compacter = (...args) => succeed(process.execPath, [join(root, 'bin', 'run.js'), ...args])

/** Runs a program in the package's folder; ends this process with the program's exit code if it fails. */
export async function succeed(program, args) {
  const code = await exitCodeOf(program, args)
  if (code !== 0) process.exit(code)
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

function exitCodeOf(program, args) {
  return new Promise((resolve, reject) => {
    // On Windows npm is a script, which only a shell starts; it takes one line (Node 24 warns about a list with a
    // shell), and none of our arguments needs quoting.
    const shell = process.platform === 'win32' && program === 'npm'
    const options = { cwd: root, stdio: 'inherit', shell }
    const child = shell ? spawn([program, ...args].join(' '), options) : spawn(program, args, options)
    // Ctrl-C reaches the child too; it decides when to end, after saving. The others are passed on.
    const pass = (signal) => signal !== 'SIGINT' && child.kill(signal)
    for (const signal of SIGNALS) process.on(signal, pass)
    child.once('error', reject)
    child.once('close', (code) => {
      for (const signal of SIGNALS) process.off(signal, pass)
      resolve(code ?? 1)
    })
  })
}

export const say = (line) => process.stderr.write(`${line}\n`)
