import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadExperiment } from '../../src/experiment/load/load.js'

const folder = mkdtempSync(join(tmpdir(), 'compacter-yaml-'))
afterAll(() => rmSync(folder, { recursive: true }))

function complaint(text: string): string {
  const file = join(folder, 'bomb.yaml')
  writeFileSync(file, text)
  try {
    loadExperiment(file)
    return 'nothing'
  } catch (error) {
    return `${error}`.replaceAll(`${folder}/`, '')
  }
}

// The parser calls itself for each level; from some 8,000 on Node ends with a fatal error.
test.each([
  ['lists in brackets', `a:\n  ${'['.repeat(20_000)}`, /bomb\.yaml:2:\d+: not valid YAML: it nests deeper than 100\.$/],
  ['mappings in braces', '{a: '.repeat(20_000), /bomb\.yaml:1:\d+: not valid YAML: it nests deeper than 100\.$/],
  ['lists in one line', '- '.repeat(100_000), /bomb\.yaml:1:\d+: not valid YAML: it nests deeper than 100\.$/],
  [
    'a key on each line, further in',
    Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
    /bomb\.yaml:\d+:\d+: not valid YAML: it nests deeper than 100\.$/,
  ],
  [
    'a file of 1 MB',
    'a: b\n'.repeat(200_000),
    /bomb\.yaml:1:1: not valid YAML: it has 1000000 characters; at most 524288 are read\.$/,
  ],
  [
    'very many keys',
    Array.from({ length: 5001 }, (_, i) => `k${i}: 1\n`).join(''),
    /bomb\.yaml:1:1: not valid YAML: there are 5001 keys; at most 5000 are read\.$/,
  ],
])('%s: one error, at once', { timeout: 30_000 }, (_, text, message) => {
  const started = process.cpuUsage()
  expect(complaint(text)).toMatch(message)
  expect(process.cpuUsage(started).user, 'microseconds').toBeLessThan(8e6)
})

test('a hundred levels are read', () => {
  expect(complaint(`training: ${'['.repeat(95)}${']'.repeat(95)}`)).not.toContain('nests')
})

test.each([
  ['method:\ntraining: { steps: 1 }\n', /bomb\.yaml:1:1: method is /],
  ['task:\n  constructor: { a: 1 }\n', /task\.constructor is no option|constructor/],
  ['task:\n  labels: { __proto__: a }\n', /bomb\.yaml:2:13: not valid YAML: __proto__ is not a key\.$/],
])('%j is a complaint with its place', (text, message) => {
  const told = complaint(text)
  expect(told).toMatch(message)
  expect(told).not.toMatch(/TypeError/)
})
