import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { append, checkWritable, copyFile, openNew, writeAtomically } from '../../../src/base/files/atomic.js'
import { writeError } from '../../../src/base/files/write_error.js'

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

describe.skipIf(process.platform === 'win32')('a path that is not a file', () => {
  const named = (name: string) => join(folder, name)
  const nowhere = () => {
    symlinkSync('/dev/null', named('nowhere'))
    return named('nowhere')
  }
  const pipe = () => {
    execFileSync('mkfifo', [named('pipe')])
    return named('pipe')
  }
  const folderLink = () => {
    mkdirSync(named('folder'))
    symlinkSync('folder', named('link'))
    return named('link')
  }

  test.each([
    ['a device', nowhere],
    ['a pipe', pipe],
    ['a folder', folderLink],
  ])('%s is never replaced by a file, nor waited for', (kind, make) => {
    const path = make()
    const before = lstatSync(path)
    const refusal = `${path}: is ${kind}. Choose another name.`
    expect(() => writeAtomically(path, 'text')).toThrow(refusal)
    expect(() => checkWritable(path)).toThrow(refusal)
    expect(() => append(path, 'text')).toThrow(refusal)
    expect(() => copyFile(import.meta.filename, path)).toThrow(refusal)
    expect({ mode: lstatSync(path).mode, ino: lstatSync(path).ino }).toEqual({ mode: before.mode, ino: before.ino })
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('a file that gets the name while ours is written is not replaced either', () => {
    expect(() => writeAtomically(named('nowhere'), () => nowhere())).toThrow(`is a device. Choose another name.`)
    expect(readdirSync(folder)).toEqual(['nowhere'])
  })

  test('a device that the user names is written into', () => {
    const path = nowhere()
    checkWritable(path, { streams: true })
    writeAtomically(path, 'text', { streams: true })
    expect(readlinkSync(path)).toBe('/dev/null')
    expect(readdirSync(folder)).toEqual(['nowhere'])
  })

  test('a pipe that the user names is written into, where somebody reads it', () => {
    const path = pipe()
    expect(() => writeAtomically(path, 'text', { streams: true })).toThrow(
      `${path}: nobody reads from this pipe. Start its reader first, or leave the flag out and use \`| program\`.`,
    )
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    writeAtomically(path, 'text', { streams: true })
    const bytes = Buffer.alloc(10)
    expect(bytes.toString('utf8', 0, readSync(reader, bytes))).toBe('text')
    closeSync(reader)
    expect(lstatSync(path).isFIFO()).toBe(true)
  })

  test('a folder that the user names is not', () => {
    expect(() => writeAtomically(folderLink(), '', { streams: true })).toThrow(
      'link: is a folder. Choose another name.',
    )
  })

  test('no link is followed to a file that is made, or added to', () => {
    writeFileSync(named('mine'), 'mine')
    symlinkSync('mine', named('link'))
    expect(() => append(named('link'), 'more')).toThrow(
      `${named('link')}: is a link, which is not followed. Delete the link, or put the file itself there.`,
    )
    expect(() => openNew(named('link'))).toThrow('EEXIST')
    symlinkSync('none', named('dangling'))
    expect(() => openNew(named('dangling'))).toThrow('EEXIST')
    writeAtomically(named('link'), 'new') // which replaces the link itself
    expect([readFileSync(named('mine'), 'utf8'), readFileSync(named('link'), 'utf8')]).toEqual(['mine', 'new'])
  })
})
