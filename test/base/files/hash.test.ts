import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { hashFiles } from '../../../src/base/files/hash.js'

let folder: string
const path = (name: string) => join(folder, name)
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const MARKER = 'f'.repeat(64)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hash-'))
  vi.stubEnv('COMPACTER_CACHE', path('cache'))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** As if the files had been there for a while. */
const later = () => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 })

/** Hashes a file and puts a marker in the place of what was remembered, which tells it from a hash made anew. */
function hashAndMark(file: string): void {
  hashFiles([file])
  const [name] = readdirSync(path('cache/hashes'))
  writeFileSync(path(`cache/hashes/${name}`), MARKER)
  expect(hashFiles([file])).toBe(MARKER)
}

test('is what sha256sum gives of the files one after the other', () => {
  writeFileSync(path('a'), 'first')
  writeFileSync(path('b'), 'second')
  expect(hashFiles([path('a'), path('b')])).toBe(sha256('firstsecond'))
  expect(hashFiles([path('b'), path('a')])).toBe(sha256('secondfirst'))
})

test('is remembered below COMPACTER_CACHE, where everything else is kept', () => {
  writeFileSync(path('a'), 'first')
  later()
  hashAndMark(path('a'))
  expect(readdirSync(path('cache'))).toEqual(['hashes'])
})

test('a file of the same size whose time of modification was set back is hashed anew', () => {
  writeFileSync(path('a'), 'first')
  utimesSync(path('a'), 1, 1)
  later()
  hashAndMark(path('a'))
  vi.useRealTimers()
  const { ino } = statSync(path('a'))
  writeFileSync(path('a'), 'other')
  utimesSync(path('a'), 1, 1)
  expect(statSync(path('a'))).toMatchObject({ ino, size: 5, mtimeMs: 1000 })
  expect(hashFiles([path('a')])).toBe(sha256('other'))
})

test('of a file that has just been written it is not remembered: the next write may have the same time', () => {
  writeFileSync(path('a'), 'first')
  expect(hashFiles([path('a')])).toBe(sha256('first'))
  expect(readdirSync(path('cache/hashes'))).toEqual([])
})

test('needs no cache that can be written to', () => {
  writeFileSync(path('a'), 'first')
  writeFileSync(path('cache'), '')
  later()
  expect(hashFiles([path('a')])).toBe(sha256('first'))
})

test('names a file that is not there', () => {
  expect(() => hashFiles([path('none')])).toThrow(`${path('none')}: there is no such file.`)
})

test.skipIf(process.platform === 'win32')('what others could have written is not believed', () => {
  writeFileSync(path('a'), 'first')
  later()
  hashAndMark(path('a'))
  chmodSync(folder, 0o755)
  chmodSync(path('cache/hashes'), 0o777)
  expect(hashFiles([path('a')])).toBe(MARKER) // the folder above lets nobody in
  chmodSync(path('cache'), 0o755)
  expect(hashFiles([path('a')])).toBe(sha256('first'))
})
