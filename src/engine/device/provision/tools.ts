import { answers } from './process.js'

/** What a set-up from the wheel needs of the system. */
export interface Pip {
  /** Unpacks the wheel too. */
  python: string
  command: [string, ...string[]]
}

const install = (debian: string) =>
  process.platform === 'darwin' ? 'xcode-select --install' : `apt install -y ${debian}`

/** Finds the C++ compiler: CXX, or the usual names. @throws Error that names what to install. */
export async function findCompiler(): Promise<string> {
  const names = process.env.CXX ? [process.env.CXX] : ['g++', 'c++', 'clang++']
  for (const name of names) if (await answers(name, ['--version'])) return name
  throw new Error(`no C++ compiler (looked for ${names.join(', ')}; Debian and Ubuntu: apt install g++)`)
}

/**
 * Finds pip. Python is isolated (-I): it loads no module from the current folder, PYTHONPATH or the user's packages. A
 * pip that the user installed is called as the program of that name.
 * @throws Error that names what to install.
 */
export async function findPip(): Promise<Pip> {
  for (const python of ['python3', 'python']) {
    if (await answers(python, ['-I', '-m', 'pip', '--version'])) return { python, command: [python, '-I', '-m', 'pip'] }
    if ((await answers(python, ['--version'])) && (await answers('pip', ['--version']))) {
      return { python, command: ['pip'] }
    }
  }
  throw new Error('no pip (looked for python3 -m pip, pip; Debian and Ubuntu: apt install python3-pip)')
}

/** Returns which of the two are missing here, with the command that installs them. */
export async function missingTools(): Promise<{ what: string; command: string }[]> {
  const missing: { what: string; command: string }[] = []
  await findCompiler().catch(() => missing.push({ what: 'a C++ compiler', command: install('g++') }))
  await findPip().catch(() => missing.push({ what: 'pip', command: install('python3-pip') }))
  return missing
}
