import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { compiledCodeFolder } from '../../../src/base/compiled_code.js'
import { makeOwnFolder, whoElseCanWrite } from '../../../src/base/files/own_folder.js'
import { packageRoot } from '../../../src/base/root.js'

const modeOf = (path: string) => statSync(path).mode & 0o777
const isRoot = process.geteuid?.() === 0
const NOBODY = 65534

let folder: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'compacter-own-')))
  chmodSync(folder, 0o755)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

describe.skipIf(process.platform === 'win32')('a folder of our own', () => {
  test('is made for its user only, and closed to readers where an older version left it open', () => {
    const made = join(folder, 'cache', 'tokens')
    makeOwnFolder(made)
    expect([modeOf(made), modeOf(join(folder, 'cache'))]).toEqual([0o700, 0o700])
    chmodSync(made, 0o755)
    makeOwnFolder(made)
    expect(modeOf(made)).toBe(0o700)
    expect(whoElseCanWrite(made)).toBeUndefined()
  })

  test('that others could write is left unchanged, and the way in is named', () => {
    const open = join(folder, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    makeOwnFolder(open)
    expect(modeOf(open)).toBe(0o777)
    expect(whoElseCanWrite(open)).toBe(`${open} can be written by others (mode 777)`)
    const below = join(open, 'engines')
    mkdirSync(below, { mode: 0o700 })
    expect(whoElseCanWrite(below)).toBe(`${open} can be written by others (mode 777)`)
    chmodSync(open, 0o1777) // as /tmp: others can't rename what is ours
    expect(whoElseCanWrite(below)).toBeUndefined()
    expect(whoElseCanWrite(open)).toBe(`${open} can be written by others (mode 1777)`)
  })

  test('protects its content, whatever the modes below', () => {
    const below = join(folder, 'engines')
    mkdirSync(below)
    chmodSync(below, 0o777)
    chmodSync(folder, 0o711)
    expect(whoElseCanWrite(below)).toBe(`${below} can be written by others (mode 777)`)
    chmodSync(folder, 0o700)
    expect(whoElseCanWrite(below)).toBeUndefined()
  })

  test('is looked for behind every link on the way', () => {
    const [open, mine] = [join(folder, 'open'), join(folder, 'mine')]
    for (const path of [open, mine]) mkdirSync(path)
    symlinkSync(mine, join(open, 'second'))
    symlinkSync('open/second', join(folder, 'first'))
    expect(whoElseCanWrite(join(folder, 'first'))).toBeUndefined()
    chmodSync(open, 0o777)
    expect(whoElseCanWrite(join(folder, 'first'))).toBe(`${open} can be written by others (mode 777)`)
    expect(whoElseCanWrite(mine)).toBeUndefined()
  })

  test.skipIf(!isRoot)('is not one that belongs to another user', () => {
    const file = join(folder, 'binding.node')
    writeFileSync(file, '')
    chownSync(file, NOBODY, NOBODY)
    expect(whoElseCanWrite(file)).toBe(`${file} belongs to the user nobody`)
    chownSync(folder, 54321, 54321)
    expect(whoElseCanWrite(file)).toBe(`${folder} belongs to the user with id 54321`)
  })

  test.skipIf(!isRoot)('may be written by a group only if that is its user’s own', () => {
    chmodSync(folder, 0o770)
    chownSync(folder, 0, 0)
    expect(whoElseCanWrite(folder)).toBeUndefined()
    chownSync(folder, 0, NOBODY)
    expect(whoElseCanWrite(folder)).toBe(`${folder} can be written by others (mode 770)`)
  })

  test.skipIf(!canUnshare())('is found in a container too, where the folders above belong to nobody known', () => {
    const script = `import('${join(packageRoot, 'src/base/files/own_folder.ts')}').then(({ whoElseCanWrite }) => console.log(whoElseCanWrite('${folder}')))`
    const inside = ['-r', process.execPath, '--import', 'tsx', '-e', script]
    expect(execFileSync('unshare', inside, { cwd: packageRoot, encoding: 'utf8' })).toBe('undefined\n')
  })
})

function canUnshare() {
  return spawnSync('unshare', ['-r', 'true']).status === 0
}

describe.skipIf(process.platform === 'win32')('the bytecode of our sources', () => {
  test('is kept in a folder of our own inside the cache, or nowhere', () => {
    vi.stubEnv('COMPACTER_CACHE', join(folder, 'cache'))
    expect(compiledCodeFolder()).toBe(join(folder, 'cache', 'compiled'))
    expect(modeOf(join(folder, 'cache', 'compiled'))).toBe(0o700)
    for (const path of ['cache', 'cache/compiled']) chmodSync(join(folder, path), 0o777)
    expect(compiledCodeFolder()).toBeUndefined()
    writeFileSync(join(folder, 'file'), '')
    vi.stubEnv('COMPACTER_CACHE', join(folder, 'file'))
    expect(compiledCodeFolder()).toBeUndefined()
  })

  const withCompileCache = Number(process.versions.node.split('.')[0]) >= 22
  test.skipIf(!withCompileCache)('never comes from the common temporary folder', () => {
    const temporary = join(folder, 'tmp')
    mkdirSync(temporary)
    const cache = join(folder, 'cache')
    const run = () => {
      const env = { ...process.env, NODE_COMPILE_CACHE: undefined, TMPDIR: temporary, COMPACTER_CACHE: cache }
      expect(spawnSync(process.execPath, [join(packageRoot, 'bin', 'run.js'), '--version'], { env }).status).toBe(0)
    }
    run()
    expect(readdirSync(temporary)).toEqual([])
    expect(readdirSync(join(cache, 'compiled'))).toEqual([expect.stringContaining(process.version)])
    rmSync(cache, { recursive: true })
    mkdirSync(cache)
    chmodSync(cache, 0o777)
    run()
    expect(readdirSync(temporary)).toEqual([])
    expect(existsSync(join(cache, 'compiled')) ? readdirSync(join(cache, 'compiled')) : []).toEqual([])
  })
})
