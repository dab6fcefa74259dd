import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { startProgram } from '../../program.js'
import { NAPI_VERSION, tfjsNode } from './cache.js'
import { compileBinding } from './compile.js'
import { DOWNLOADED_ADDON } from './loader.js'
import type { Origin } from './provision.js'
import { findCompiler } from './tools.js'

const VERSION = '2.9.1'
/** A host behind a firewall often does not answer at all. */
const CONNECT_MS = 5000

/** What tfjs-node's install script does: libtensorflow 2.9.1 and the prebuilt addon from Google's storage, or a mirror. */
export const libtensorflow: Origin = async (folder, { cuda, report }) => {
  report(`fetching libtensorflow ${VERSION}`)
  await fetchArchive(libraryUrl(cuda), join(folder, 'deps'), report)
  // The prebuilt addon looks for ../../deps/lib, so the package's own layout is kept.
  try {
    report('fetching the binding')
    await fetchArchive(addonUrl(), join(folder, 'lib'), report)
  } catch {
    report('compiling the binding')
    await compileHere(folder)
  }
  return {
    origin: `tfjs-node's download of libtensorflow ${VERSION}`,
    cuda: cuda && process.platform !== 'darwin',
  }
}

async function compileHere(folder: string): Promise<void> {
  const lib = join(folder, 'deps', 'lib')
  const names = (await readdir(lib)).filter((name) => /^libtensorflow(_framework)?\.(so\.2|2\.dylib)$/.test(name))
  const addon = join(folder, DOWNLOADED_ADDON)
  await mkdir(dirname(addon), { recursive: true })
  const library = { include: join(folder, 'deps', 'include'), lib, names, libFromAddon: '../../deps/lib' }
  await compileBinding(await findCompiler(), library, addon)
}

/** As scripts/install.js of tfjs-node 4.22 forms it, with its variables for mirrors. */
function libraryUrl(cuda: boolean): string {
  const { env, platform, arch } = process
  const host = env.TFJS_NODE_CDN_STORAGE || env.CDN_STORAGE || 'https://storage.googleapis.com/'
  if (platform === 'darwin' && arch === 'arm64') return `${host}tf-builds/libtensorflow_r2_7_darwin_arm64_cpu.tar.gz`
  if (platform === 'linux' && arch === 'arm64') return `${host}tf-builds/libtensorflow_r2_7_linux_arm64.tar.gz`
  const base = env.TFJS_NODE_BASE_URI || `${host}tensorflow/libtensorflow/libtensorflow-`
  if (arch !== 'x64' || !['linux', 'darwin'].includes(platform)) throw new Error(`nothing for ${platform} on ${arch}`)
  return `${base}${cuda && platform === 'linux' ? 'gpu' : 'cpu'}-${platform}-x86_64-${VERSION}.tar.gz`
}

function addonUrl(): string {
  const host =
    process.env.npm_config_tfjs_binding_binary_host_mirror ||
    'https://storage.googleapis.com/tf-builds/pre-built-binary'
  return `${host}/napi-v${NAPI_VERSION}/${tfjsNode().version}/GPU-${process.platform}-${tfjsNode().version}.tar.gz`
}

/** Streams a .tar.gz into the folder; gzip's checksum and the length that the host announces guard it. */
async function fetchArchive(url: string, folder: string, report: (line: string) => void): Promise<void> {
  const connecting = new AbortController()
  const timer = setTimeout(() => connecting.abort(), CONNECT_MS)
  const response = await fetch(url, { signal: connecting.signal }).catch((error: Error) => {
    const cause = error.cause as NodeJS.ErrnoException | undefined
    const reason = connecting.signal.aborted ? `no answer in ${CONNECT_MS / 1000} s` : (cause?.code ?? cause?.message)
    throw new Error(`${new URL(url).host} can't be reached (${reason})`)
  })
  clearTimeout(timer)
  if (!response.ok || !response.body) throw new Error(`${url} answers ${response.status} ${response.statusText}`)
  const size = Number(response.headers.get('content-length'))
  if (size) report(`downloading ${url.split('/').at(-1)} (${Math.round(size / 1e6)} MB)`)
  await mkdir(folder, { recursive: true })
  const tar = startProgram('tar', ['-xzf', '-', '-C', folder], { stdio: ['pipe', 'ignore', 'pipe'] })
  const failed = once(tar, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`${url} is damaged: tar could not unpack it`)
  })
  const streamed = pipeline(Readable.fromWeb(response.body as import('node:stream/web').ReadableStream), tar.stdin)
  await Promise.all([failed, streamed.catch((error) => failed.then(() => Promise.reject(error)))])
}
