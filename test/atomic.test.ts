import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeAtomically, writeError } from '../src/atomic.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atomic-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('writes text, bytes and what a function writes, and leaves nothing else', () => {
  writeAtomically(join(folder, 'text'), 'naïve')
  writeAtomically(join(folder, 'bytes'), Uint8Array.of(0, 255))
  writeAtomically(join(folder, 'function'), (fd) => {
    writeSync(fd, 'one ')
    writeSync(fd, 'two')
  })
  expect(readFileSync(join(folder, 'text'), 'utf8')).toBe('naïve')
  expect([...readFileSync(join(folder, 'bytes'))]).toEqual([0, 255])
  expect(readFileSync(join(folder, 'function'), 'utf8')).toBe('one two')
  expect(readdirSync(folder).sort()).toEqual(['bytes', 'function', 'text'])
})

test('the old file stays whole while the new one is written, and after that fails', () => {
  const path = join(folder, 'file')
  writeFileSync(path, 'old')
  expect(() =>
    writeAtomically(path, (fd) => {
      writeSync(fd, 'half of the n')
      expect(readFileSync(path, 'utf8')).toBe('old')
      throw new Error('broke')
    }),
  ).toThrow('broke')
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['file'])
})

test('two writers of one file at once do not share a temporary name', () => {
  const path = join(folder, 'file')
  writeFileSync(path, 'old')
  writeAtomically(path, () => writeAtomically(path, 'inner'))
  expect(readFileSync(path, 'utf8')).toBe('')
})

test('says what is in the way', () => {
  expect(() => writeAtomically(join(folder, 'none', 'x'), '')).toThrow(
    `${folder}/none/x: the folder does not exist. Create it first.`,
  )
  writeFileSync(join(folder, 'file'), '')
  expect(() => writeAtomically(join(folder, 'file', 'x'), '')).toThrow(
    `${folder}/file/x: part of the path is a file, not a folder. Choose another folder.`,
  )
  mkdirSync(join(folder, 'x'))
  expect(() => writeAtomically(join(folder, 'x'), '')).toThrow(`${folder}/x: is a folder. Choose another name.`)
  expect(readdirSync(folder).sort()).toEqual(['file', 'x'])
})

test('a full disk', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  expect((writeError('run/last', full) as Error).message).toBe(
    'run/last: the disk is full. Free some space, or write to another disk.',
  )
  const other = new Error('other')
  expect(writeError('run/last', other)).toBe(other)
})
