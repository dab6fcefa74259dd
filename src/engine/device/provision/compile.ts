import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { writeAtomically } from '../../../base/files/atomic.js'
import { NAPI_VERSION, tfjsNode } from './cache.js'
import { LOADER_SOURCE, QUIET_SOURCE } from './loader.js'
import { runProgram } from './process.js'

const require = createRequire(import.meta.url)

interface Library {
  /** The folders of its headers and its shared libraries, absolute. */
  include: string
  lib: string
  /** File names of the shared libraries. */
  names: string[]
  /** The relative path from the addon to `lib`. */
  libFromAddon: string
}

/** Compiles tfjs-node's binding against the library, without node-gyp: two files, ten seconds. */
export async function compileBinding(compiler: string, library: Library, addon: string): Promise<void> {
  const { folder } = tfjsNode()
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(folder, 'binding', file))
  // Abseil's headers are next to TensorFlow's if its library logs through Abseil.
  if (existsSync(join(library.include, 'absl'))) {
    sources.push(sourceFile(join(library.include, 'quiet.cc'), QUIET_SOURCE))
  }
  await compile(compiler, [...sources, '-I', library.include, '-I', folder, ...link(library)], addon)
}

/** Compiles our loader, which depends on no library. */
export async function compileLoader(compiler: string, folder: string, addon: string): Promise<void> {
  await compile(compiler, [sourceFile(join(folder, 'loader.cc'), LOADER_SOURCE), '-ldl'], addon)
}

function sourceFile(file: string, text: string): string {
  writeAtomically(file, text)
  return file
}

async function compile(compiler: string, args: string[], addon: string): Promise<void> {
  const headers = dirname(require.resolve('node-api-headers/include/node_api.h'))
  const shared = ['-O2', '-std=c++17', '-shared', '-fPIC', `-DNAPI_VERSION=${NAPI_VERSION}`, '-I', headers]
  // Node itself provides the functions of Node-API.
  if (process.platform === 'darwin') shared.push('-undefined', 'dynamic_lookup')
  await runProgram(compiler, [...shared, ...args, '-o', addon], { seconds: 600 })
}

function link({ lib, names, libFromAddon }: Library): string[] {
  const mac = process.platform === 'darwin'
  const rpath = `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/${libFromAddon}`
  // Ubuntu's compiler drops a library whose symbols are only needed by another library.
  return [...(mac ? [] : ['-Wl,--no-as-needed']), ...names.map((name) => join(lib, name)), rpath]
}
