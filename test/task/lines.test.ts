import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { UserError } from '../../src/base/error.js'
import { readLines } from '../../src/task/rows/lines.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-lines-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileOf(name: string, contents: string | Buffer): string {
  const file = join(folder, name)
  writeFileSync(file, contents)
  return file
}

/** The whole message, the temporary folder left out. */
function complaint(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    return (error as Error).message.replaceAll(`${folder}/`, '')
  }
  throw new Error('nothing was thrown')
}

const refusal = (file: string) => complaint(() => [...readLines(file)])

test('line endings, a byte-order mark, bytes that are not UTF-8, and a last line without an end', () => {
  const contents = [Buffer.from('\ufeffone\r\n\ntwo\n'), Buffer.from('é\n', 'latin1'), Buffer.from('\ufeffthree')]
  expect([...readLines(fileOf('lines', Buffer.concat(contents)))]).toEqual([
    { number: 1, text: 'one' },
    { number: 2, text: '' },
    { number: 3, text: 'two' },
    { number: 4, text: undefined },
    { number: 5, text: '\ufeffthree', last: true },
  ])
})

test('lines across the chunks in which a file is read, a letter cut in two among them', () => {
  const texts = ['a'.repeat(2 ** 20 - 1), 'é'.repeat(2 ** 20), 'b'.repeat(2 ** 20 - 2), 'c']
  const lines = [...readLines(fileOf('chunks', `${texts.join('\n')}\n`))]
  expect(lines.map(({ text }) => text === texts.shift())).toEqual([true, true, true, true])
})

test('an empty file has no lines', () => {
  expect([...readLines(fileOf('empty', ''))]).toEqual([])
})

test.each([
  ['zeros', Buffer.alloc(100_000_000)],
  ['text', Buffer.alloc(100_000_000, 'x')],
])('100 MB without a line break, of %s: refused when 16 MB are read', (name, contents) => {
  const file = fileOf('long', Buffer.concat([Buffer.from('first\n'), contents]))
  const before = process.memoryUsage().rss
  expect(refusal(file)).toBe(
    name === 'text'
      ? 'long:2: the line is longer than 16 MiB. Each row needs a line of its own.'
      : 'long:2: there is a NUL byte: this is a binary file, or text in UTF-16. Save it as UTF-8 text.',
  )
  expect(process.memoryUsage().rss - before).toBeLessThan(60e6)
})

test.each([
  ['with its mark', '\ufeffa', 'utf16: the text is in UTF-16. Save it as UTF-8 text.'],
  ['of letters without a zero byte', '\ufeff\u4e2d\u6587', 'utf16: the text is in UTF-16. Save it as UTF-8 text.'],
  [
    'without a mark',
    'a',
    'utf16:1: there is a NUL byte: this is a binary file, or text in UTF-16. Save it as UTF-8 text.',
  ],
])('UTF-16 %s', (_, text, message) => {
  const little = Buffer.from(text, 'utf16le')
  expect(refusal(fileOf('utf16', little))).toBe(message)
  expect(refusal(fileOf('utf16', little.swap16()))).toBe(message)
})

test('a folder, and a file that is not there', () => {
  mkdirSync(join(folder, 'folder'))
  expect(refusal(join(folder, 'folder'))).toBe('folder: is a folder, not a file of rows.')
  expect(refusal(join(folder, 'none'))).toBe('none: there is no such file.')
})

test.each<[string, (file: string) => void]>([
  ['cut', (file) => truncateSync(file, 2 ** 20 + 5)],
  ['emptied', (file) => truncateSync(file, 0)],
  ['appended to', (file) => appendFileSync(file, 'x\n')],
  ['overwritten', (file) => writeFileSync(file, 'y\n'.repeat(2 ** 20))],
])('a file that is %s while it is read', (_, change) => {
  const file = fileOf('changing', 'x\n'.repeat(2 ** 20)) // two chunks
  const read = () => {
    for (const { number } of readLines(file)) if (number === 7) change(file)
  }
  expect(complaint(read)).toBe('changing: was changed while it was read. Run again when nothing writes to it.')
})

test('a file that is removed while it is read is read to its end', () => {
  const file = fileOf('removed', 'x\n'.repeat(2 ** 20))
  let count = 0
  for (const { number } of readLines(file)) {
    if (number === 7) rmSync(file)
    count++
  }
  expect(count).toBe(2 ** 20)
})

test('carriage returns end lines where a file has no line feed', () => {
  expect([...readLines(fileOf('mac', '\ufeffa,b\r1,2\r\r3,4'))]).toEqual([
    { number: 1, text: 'a,b' },
    { number: 2, text: '1,2' },
    { number: 3, text: '' },
    { number: 4, text: '3,4', last: true },
  ])
  const texts = ['a'.repeat(2 ** 20 - 1), 'é'.repeat(2 ** 20), 'c']
  const long = [...readLines(fileOf('mac-chunks', `x\r${texts.join('\r')}\r`))]
  expect(long.slice(1).map(({ text }) => text === texts.shift())).toEqual([true, true, true])
  expect([...readLines(fileOf('one', 'one\r'))]).toEqual([{ number: 1, text: 'one', last: true }])
  expect([...readLines(fileOf('inside', 'a\rb\nc\n'))].map(({ text }) => text)).toEqual(['a\rb', 'c'])
})
