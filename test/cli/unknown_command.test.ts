import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { nearest } from '../../src/base/text/nearest.js'
import { unknownCommand } from '../../src/cli/unknown_command.js'

const { commands } = JSON.parse(readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8'))
const known = [...Object.keys(commands).map((id) => id.replaceAll(':', ' ')), 'config', 'params', 'sweep', 'help']

test.each([
  ['trian x.yaml', 'trian', 'train'],
  ['Train x.yaml', 'Train', 'train'],
  ['exprot runs/x --format saved-model', 'exprot', 'export'],
  ['sweep stauts runs/x', 'sweep stauts', 'sweep status'],
  ['swep run x', 'swep run', 'sweep run'],
  ['swep', 'swep', 'sweep'],
  ['status runs/x', 'status', 'sweep status'],
  ['--json trian x.yaml', 'trian', 'train'],
  ['help trian', 'trian', 'train'],
  ['evla run', 'evla', 'eval'],
])('%s: the nearest command to %s is %s', (line, typed, meant) => {
  const { message, exitCode } = unknownCommand(line.split(' '), known)
  expect(message).toBe(`compacter ${typed}: there is no such command. Did you mean 'compacter ${meant}'?`)
  expect(exitCode).toBe(2)
})

test('where none is near, all are to be had', () => {
  expect(unknownCommand(['frobnicate', 'x'], known).message).toBe(
    'compacter frobnicate: there is no such command. All commands: compacter help.',
  )
  expect(unknownCommand(['sweep', 'zzz'], known).message).toBe(
    'compacter sweep zzz: there is no such command. All commands: compacter help sweep.',
  )
})

test('what was typed is never suggested', () => {
  expect(nearest('data', ['data', 'date', 'other'])).toBe('date')
  expect(nearest('data', ['data'])).toBeUndefined()
})

test('a name of megabytes is compared with nothing', () => {
  const started = process.cpuUsage()
  expect(nearest('x'.repeat(2 ** 22), known)).toBeUndefined()
  expect(nearest('train', ['x'.repeat(2 ** 22), 'trains'])).toBe('trains')
  expect(process.cpuUsage(started).user, 'microseconds').toBeLessThan(1e6)
})
