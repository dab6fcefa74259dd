import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { MersenneTwister } from '../../../src/base/numbers/random.js'
import { packageRoot } from '../../../src/base/root.js'
import { printable } from '../../../src/base/text/printable.js'
import { yamlText } from '../../../src/base/yaml/yaml_text.js'

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

/**
 * Text in which every part that can end up in another kind of scalar has a chance to stand next to a control character.
 */
const PARTS = [
  '\x1b[31m',
  '\x07',
  '\x7f',
  '\x9b1A',
  '\x85',
  '\r',
  '\r\n',
  '\n',
  '\n\n',
  ' ',
  '\t',
  'a',
  'a: b',
  '# c',
  '- ',
]
const MORE = [
  '"',
  "'",
  '\\',
  '\\u001b',
  '\u2028',
  '\ufeff',
  '😀',
  '\ud83d',
  '{',
  '}',
  '|',
  '%',
  '&x',
  '*x',
  'no',
  '01',
  '否 '.repeat(30),
]

test('YAML has the same meaning after it, and no control character', () => {
  const random = new MersenneTwister(7)
  const part = () => [...PARTS, ...MORE][random.uint32() % (PARTS.length + MORE.length)]!
  const text = () => Array.from({ length: 1 + (random.uint32() % 7) }, part).join('')
  for (let i = 0; i < 3000; i++) {
    const value = { first: text(), list: [text(), { [text()]: text() }], last: text() }
    const yaml = yamlText(value)
    expect(parse(printable(yaml), { uniqueKeys: false })).toEqual(value)
    expect(parse(yaml)).toEqual(value)
    expect(yaml).not.toMatch(/(?![\t\n])\p{Cc}|\p{Cs}/u)
  }
})

test('text without control characters is YAML as it was', () => {
  expect(
    yamlText({ prompt: 'a: {text}', long: `${'word '.repeat(30)}end`, lines: 'a\n b\n', labels: { '0': 'no' } }),
  ).toBe(`prompt: "a: {text}"\nlong: ${'word '.repeat(30)}end\nlines: |\n  a\n   b\nlabels:\n  "0": no\n`)
})

/**
 * Where text is written to standard output or standard error: each passes it through `printable`, or writes constants.
 */
const WRITERS = [
  'scripts/bootstrap.js',
  'bin/loaded.js',
  'bin/start.js',
  'bin/streams.js',
  'commands/sweep/status.ts',
  'src/cli/command.ts',
  'src/predict/output.ts',
  'src/base/text/printable.ts',
  'src/cli/terminal.ts',
]

test('nothing is written around the filter', () => {
  const sources = ['bin', 'commands', 'scripts', 'src'].flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8')
  const code = sources.filter((path) => /\.[jt]s$/.test(path))
  const writers = code.filter((path) =>
    /process\.std(out|err)\.write|^\s*console\.|stream: process/m.test(withoutTemplates(read(path))),
  )
  expect(writers.sort()).toEqual(WRITERS.sort())
  const commands = code.filter((path) => path.startsWith('commands'))
  for (const path of commands)
    expect(read(path), path).toMatch(/import \{ Command \} from '(\.\.\/)+src\/cli\/command\.js'/)
})

/** Programs for other processes, such as a probe of the graphics adapter, are templates. */
const withoutTemplates = (source: string) => source.replace(/= `\n[^`]*`/g, '')
