import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { DamagedFile, readJsonFile } from '../../../src/base/files/json_file.js'

const folder = mkdtempSync(join(tmpdir(), 'json-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'run.json')
const schema = z.object({ steps: z.int(), scores: z.object({ accuracy: z.number() }) })
const whole = '{\n  "steps": 40,\n  "scores": { "accuracy": 61.5 }\n}\n'

/** What is wrong with that text, without the folder. */
function complaint(text: string | Buffer, options = {}): string {
  writeFileSync(file, text)
  try {
    return JSON.stringify(readJsonFile(file, schema, options))
  } catch (error) {
    return `${error}`.replaceAll(`${folder}/`, '')
  }
}

test('gives what the file holds, with a byte-order mark too', () => {
  expect(complaint(whole)).toBe('{"steps":40,"scores":{"accuracy":61.5}}')
  expect(complaint(`\ufeff${whole}`)).toBe('{"steps":40,"scores":{"accuracy":61.5}}')
})

test.each([
  ['cut in a number', whole.slice(0, 13), 'run.json:2:12: is damaged: it is cut short.'],
  ['cut in a text', whole.slice(0, 22), 'run.json:3:6: is damaged: it is cut short.'],
  [
    'a comma too many',
    whole.replace('40,', '40,,'),
    'run.json:2:15: is damaged: Expected double-quoted property name.',
  ],
  ['a value left out', whole.replace('61.5', ''), "run.json:3:28: is damaged: Unexpected token '}'."],
  ['text behind it', `${whole}{}`, 'run.json:5:1: is damaged: Unexpected non-whitespace character after JSON.'],
  ['nothing', '', 'run.json: is damaged: there is nothing in it.'],
  ['zeros, as a power cut leaves', Buffer.alloc(64), /^DamagedFile: run\.json(:1:1)?: is damaged: Unexpected token/],
  [
    'a value of another type',
    whole.replace('61.5', '"high"'),
    'run.json:3:27: is damaged: scores.accuracy: Invalid input: expected number, received string.',
  ],
  [
    'a key that is missing: told at what is around it',
    whole.replace('accuracy', 'f1'),
    'run.json:3:13: is damaged: scores.accuracy: Invalid input: expected number, received undefined.',
  ],
  [
    'a file of something else',
    '[1, 2]',
    'run.json: is damaged: the whole: Invalid input: expected object, received array.',
  ],
])('tells the place: %s', (_, text, expected) => {
  const told = complaint(text)
  if (typeof expected === 'string') expect(told).toBe(`DamagedFile: ${expected}`)
  else expect(told).toMatch(expected)
})

test('says what to do, as the caller knows it', () => {
  expect(complaint('{', { remedy: 'Delete it.' })).toMatch(/^DamagedFile: run\.json:1:2: is damaged: .*\. Delete it\.$/)
})

test('what cannot be read is named', () => {
  expect(complaint(whole, { limit: 10 })).toBe(
    `UserError: run.json: has ${whole.length} bytes; at most 10 are read. Do not trust it.`,
  )
  expect(() => readJsonFile(join(folder, 'none'), schema)).toThrow(`${join(folder, 'none')}: no such file.`)
  mkdirSync(join(folder, 'sub'))
  expect(() => readJsonFile(join(folder, 'sub'), schema)).toThrow(`${join(folder, 'sub')}: is not a file.`)
})

test('lists nested half a million deep are an error like others', () => {
  writeFileSync(file, `{"steps": ${'['.repeat(450_000)}${']'.repeat(450_000)}}`)
  expect(() => readJsonFile(file, schema)).toThrow(DamagedFile)
})

test.each([
  ['lists', `{"steps": ${'['.repeat(50_000)}`],
  ['objects', `{"steps": ${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`],
])('%s that nest without end are not parsed', (_, text) => {
  expect(complaint(text)).toBe('DamagedFile: run.json: is damaged: it nests deeper than 100.')
})

test('brackets in a text do not nest', () => {
  expect(complaint(whole.replace('40', `40, "note": "${'[\\"{'.repeat(300)}"`))).toBe(
    '{"steps":40,"scores":{"accuracy":61.5}}',
  )
})

// 32 MB of empty lists take 0.8 GB once parsed.
test('a file of more than 32 MB is not parsed, unless it may be larger', () => {
  expect(complaint(Buffer.alloc(2 ** 25 + 1, ' '))).toBe(
    'UserError: run.json: has 33554433 bytes; at most 33554432 are read. Do not trust it.',
  )
})
