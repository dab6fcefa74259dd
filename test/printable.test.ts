import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printable } from '../src/printable.js'
import { packageRoot } from '../src/root.js'

test('control characters are shown as JSON writes them, and nothing else is changed', () => {
  expect(printable('\x1b[2J\x07\x00\x7f\x9b31m')).toBe('\\u001b[2J\\u0007\\u0000\\u007f\\u009b31m')
  const kept = 'tab\t line\n CRLF\r\n é 否 😀 \u2067שלום\u2069 \\u001b ±'
  expect(printable(kept)).toBe(kept)
  expect(printable('a,b\r')).toBe('a,b\r') // the end of a line whose line feed comes later
  expect(printable('100 %\rall fine')).toBe('100 %\\u000dall fine')
})

test('JSON has the same meaning after it', () => {
  const value = { 'k\x9b': 'a\x1b[31m\x7f\x9b\r\n\u2028' }
  expect(JSON.parse(printable(JSON.stringify(value, null, 2)))).toEqual(value)
})

/** Where text is written to standard output or standard error: each passes it through `printable`, or writes constants. */
const WRITERS = [
  'bin/bootstrap.js',
  'bin/start.js',
  'bin/streams.js',
  'commands/sweep/status.ts',
  'src/command.ts',
  'src/predict/output.ts',
  'src/printable.ts',
  'src/terminal.ts',
]

test('nothing is written around the filter', () => {
  const sources = ['bin', 'commands', 'src'].flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8')
  const code = sources.filter((path) => /\.[jt]s$/.test(path))
  const writers = code.filter((path) =>
    /process\.std(out|err)\.write|^\s*console\.|stream: process/m.test(withoutTemplates(read(path))),
  )
  expect(writers.sort()).toEqual(WRITERS)
  const commands = code.filter((path) => path.startsWith('commands'))
  for (const path of commands) expect(read(path), path).toMatch(/import \{ Command \} from '(\.\.\/)+src\/command\.js'/)
})

/** Programs for other processes, such as a probe of the graphics adapter, are templates. */
const withoutTemplates = (source: string) => source.replace(/= `\n[^`]*`/g, '')
