import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'
import { installedEngines } from '../../../src/engine/device/provision/cache.js'
import { LOADER } from '../../../src/engine/device/provision/loader.js'
import { LIBTENSORFLOW, TENSORFLOW_WHEELS } from '../../../src/engine/device/provision/pinned.js'

// The engine that the user's cache already holds lends its library to the archives and wheels below.
export const real = installedEngines().find(({ record }) => LOADER in record.files)
const served = join(real?.folder ?? '', 'tensorflow')

export let folder: string
let server: Server | undefined

/** The tests put in what their own files have. */
export const pinned = { wheels: { ...TENSORFLOW_WHEELS }, archives: structuredClone(LIBTENSORFLOW) }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compacter-provision-'))
  vi.stubEnv('COMPACTER_CACHE', join(folder, 'cache'))
  // Nothing outside this machine is asked, and nobody listens there.
  vi.stubEnv('TFJS_NODE_BASE_URI', 'http://127.0.0.1:65535/libtensorflow-')
  vi.stubEnv('PIP_NO_INDEX', '1')
  vi.stubEnv('PIP_FIND_LINKS', join(folder, 'wheels'))
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  Object.assign(TENSORFLOW_WHEELS, pinned.wheels)
  Object.assign(LIBTENSORFLOW, structuredClone(pinned.archives))
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
  rmSync(folder, { recursive: true })
})

/**
 * A library of that name which hands every call on to the real one, so that archives stay small. It needs the real one
 * by its path, through a link: by its name the loader would take the stand-in for it.
 */
function standIn(path: string, library: string): void {
  const link = join(folder, 'real', library)
  for (const file of [path, link]) mkdirSync(join(file, '..'), { recursive: true })
  execFileSync('g++', ['-shared', '-x', 'c++', '/dev/null', '-o', link])
  const soname = `-Wl,-soname,${path.split('/').at(-1)}`
  execFileSync('g++', [
    '-shared',
    '-x',
    'c++',
    '/dev/null',
    '-x',
    'none',
    '-o',
    path,
    '-Wl,--no-as-needed',
    link,
    soname,
  ])
  rmSync(link)
  symlinkSync(join(served, library), link)
}

/** A wheel as pip and our unpacking read it; `damage` changes one file after its hash was recorded. */
export function writeWheel({ damage = false } = {}): void {
  const tree = join(folder, 'tree')
  standIn(join(tree, 'tensorflow', 'libtensorflow_cc.so.2'), 'libtensorflow_cc.so.2')
  standIn(join(tree, 'tensorflow', 'libtensorflow_framework.so.2'), 'libtensorflow_framework.so.2')
  cpSync(join(served, 'include'), join(tree, 'tensorflow', 'include'), { recursive: true })
  mkdirSync(join(folder, 'wheels'), { recursive: true })
  execFileSync('python3', ['-c', PACK, tree, join(folder, 'wheels', WHEEL), String(damage)])
  const hash = `sha256:${sha256(readFileSync(join(folder, 'wheels', WHEEL)))}`
  TENSORFLOW_WHEELS['linux x64'] = { requirement: 'tensorflow-cpu==9.1.0', hash, python: '3.11' }
}

export const WHEEL = 'tensorflow_cpu-9.1.0-py3-none-any.whl'
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

const PACK = `
import base64, hashlib, os, sys, zipfile
tree, wheel, damage = sys.argv[1:]
info, record = 'tensorflow_cpu-9.1.0.dist-info', ''
with zipfile.ZipFile(wheel, 'w', zipfile.ZIP_DEFLATED) as archive:
    def add(name, content):
        global record
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()
        record += f'{name},sha256={digest},{len(content)}\\n'
        if damage == 'true' and name.endswith('cc.so.2'):
            content = content[:-1] + b'x'
        archive.writestr(name, content)
    for folder, _, files in os.walk(tree):
        for file in files:
            path = os.path.join(folder, file)
            add(os.path.relpath(path, tree), open(path, 'rb').read())
    add(info + '/METADATA', b'Metadata-Version: 2.1\\nName: tensorflow-cpu\\nVersion: 9.1.0\\n')
    add(info + '/WHEEL', b'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    archive.writestr(info + '/RECORD', record)
`

/** Serves libtensorflow as tfjs-node's host does, but no prebuilt binding; `bytes` cuts it short. */
export async function serveLibtensorflow(bytes?: number): Promise<void> {
  const tree = join(folder, 'libtensorflow')
  standIn(join(tree, 'lib', 'libtensorflow.so.2'), 'libtensorflow_cc.so.2')
  standIn(join(tree, 'lib', 'libtensorflow_framework.so.2'), 'libtensorflow_framework.so.2')
  cpSync(join(served, 'include'), join(tree, 'include'), { recursive: true })
  const archive = execFileSync('tar', ['-czf', '-', '-C', tree, '.'], { maxBuffer: 1 << 28 })
  LIBTENSORFLOW['linux x64']!.sha256 = sha256(archive)
  server = createServer((request, response) => {
    if (request.url !== '/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz') {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-length': archive.length })
    if (bytes === undefined) response.end(archive)
    else response.write(archive.subarray(0, bytes), () => response.destroy())
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  vi.stubEnv('TFJS_NODE_BASE_URI', `${address}/libtensorflow-`)
}
