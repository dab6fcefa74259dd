import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Archive, fetchArchive } from './archive.js'
import { compileBinding } from './compile.js'
import { DOWNLOADED_ADDON } from './loader.js'
import { LIBTENSORFLOW, platformOf } from './pinned.js'
import type { Origin } from './provision.js'
import { findCompiler } from './tools.js'

/**
 * The library that tfjs-node's install script downloads, from Google's storage or a mirror. The script's prebuilt
 * binding has no published hash, so the binding is compiled.
 */
export const libtensorflow: Origin = async (folder, { cuda, report }) => {
  const compiler = await findCompiler()
  const archive = archiveFor(cuda)
  report('fetching libtensorflow')
  const deps = join(folder, 'deps')
  await fetchArchive(archive, deps, report)
  report('compiling the binding')
  const lib = join(deps, 'lib')
  const names = (await readdir(lib)).filter((name) => /^libtensorflow(_framework)?\.(so\.2|2\.dylib)$/.test(name))
  const addon = join(folder, DOWNLOADED_ADDON) // tfjs-node's own layout
  await mkdir(dirname(addon), { recursive: true })
  await compileBinding(compiler, { include: join(deps, 'include'), lib, names, libFromAddon: '../../deps/lib' }, addon)
  const version = /_r(\d+)_(\d+)_|-([\d.]+)\.tar/.exec(archive.url)!
  return {
    origin: `tfjs-node's download of libtensorflow ${version[3] ?? `${version[1]}.${version[2]}`}`,
    cuda: archive.url.includes('-gpu-'),
  }
}

/** Returns the archive's address; mirrors are set by the variables of tfjs-node's script. */
function archiveFor(cuda: boolean): Archive {
  const pinned = LIBTENSORFLOW[platformOf(cuda)] ?? LIBTENSORFLOW[platformOf(false)]
  if (!pinned) throw new Error(`there is none for ${platformOf(false)}`)
  const { env } = process
  const base = env.TFJS_NODE_BASE_URI
  const file = /libtensorflow\/libtensorflow-(.*)$/.exec(pinned.path)?.[1]
  if (base && file) return { url: `${base}${file}`, sha256: pinned.sha256 }
  const host = env.TFJS_NODE_CDN_STORAGE || env.CDN_STORAGE || 'https://storage.googleapis.com/'
  return { url: `${host}${pinned.path}`, sha256: pinned.sha256 }
}
