import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { NAPI_VERSION, tfjsNode } from './cache.js'
import { LOADER_SOURCE } from './loader.js'
import { answers, runProgram } from './process.js'

const require = createRequire(import.meta.url)

/** The C++ compiler: CXX, or the usual names. @throws Error that names what to install. */
export async function findCompiler(): Promise<string> {
  const names = process.env.CXX ? [process.env.CXX] : ['g++', 'c++', 'clang++']
  for (const name of names) if (await answers(name, ['--version'])) return name
  throw new Error(`no C++ compiler (looked for ${names.join(', ')}; Debian and Ubuntu: apt install g++)`)
}

interface Library {
  /** Where its headers and its shared libraries are, absolute. */
  include: string
  lib: string
  /** File names of the shared libraries. */
  names: string[]
  /** The addon to write, and its way from there to `lib`. */
  addon: string
  libFromAddon: string
}

/** Compiles tfjs-node's binding against the library, without node-gyp: two files, ten seconds. */
export async function compileAddon(compiler: string, library: Library): Promise<void> {
  const package_ = tfjsNode()!.folder
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(package_, 'binding', file))
  await runProgram(
    compiler,
    [...shared(library.include), '-I', package_, ...sources, '-o', library.addon, ...link(library)],
    { seconds: 600 },
  )
}

/** Compiles our loader; needs Abseil's headers beside TensorFlow's, and libtensorflow_framework only. */
export async function compileLoader(compiler: string, library: Library): Promise<void> {
  const source = join(library.include, 'loader.cc')
  await writeFile(source, LOADER_SOURCE)
  await runProgram(compiler, [...shared(library.include), source, '-o', library.addon, ...link(library), '-ldl'], {
    seconds: 600,
  })
}

const shared = (include: string): string[] => [
  ...['-O2', '-std=c++17', '-shared', '-fPIC', `-DNAPI_VERSION=${NAPI_VERSION}`],
  ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
  ...['-I', dirname(require.resolve('node-api-headers/include/node_api.h')), '-I', include],
]

function link({ lib, names, libFromAddon }: Library): string[] {
  const origin = process.platform === 'darwin' ? '@loader_path' : '$ORIGIN'
  return [...names.map((name) => join(lib, name)), `-Wl,-rpath,${join(origin, libFromAddon)}`]
}
