import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findProgram, outputOf, pipEnvironment } from '../../src/base/program.js'
import { packageRoot } from '../../src/base/root.js'

const before = process.cwd()
let folder: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'compacter-program-')))
  process.chdir(folder)
})
afterEach(() => {
  process.chdir(before)
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

test('a program is found in the absolute folders of the PATH only; a path is taken as it is', () => {
  mkdirSync(join(folder, 'bin'))
  const write = (path: string, mode: number) => writeFileSync(join(folder, path), '#!/bin/sh\npwd\n', { mode })
  write('frobnicate', 0o755)
  vi.stubEnv('PATH', ['', '.', 'bin', '/usr/bin', '/bin'].join(':'))
  expect(() => findProgram('frobnicate')).toThrow('there is no program frobnicate on the PATH')
  expect(findProgram('./frobnicate')).toBe(join(folder, 'frobnicate'))
  write('bin/frobnicate', 0o644)
  vi.stubEnv('PATH', ['.', join(folder, 'bin'), '/usr/bin', '/bin'].join(':'))
  expect(() => findProgram('frobnicate')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  write('bin/other', 0o755)
  expect(findProgram('other')).toBe(join(folder, 'bin', 'other'))
  expect(outputOf('./frobnicate', [])).toBe('/\n')
})

test("pip's settings that name files of the current folder hold elsewhere too", () => {
  mkdirSync('wheels')
  const env = { PIP_FIND_LINKS: 'wheels https://host/wheels', PIP_NO_INDEX: '1', HOME: 'wheels' }
  expect(pipEnvironment(env)).toEqual({ ...env, PIP_FIND_LINKS: `${folder}/wheels https://host/wheels` })
})

test('programs are started in one place, and our own code by its whole path', () => {
  const sources = ['src', 'commands'].flatMap((top) =>
    readdirSync(join(packageRoot, top), { recursive: true, encoding: 'utf8' }).map((file) => join(top, file)),
  )
  const starting = sources
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const names = /import \{([^}]*)\} from 'node:child_process'/.exec(readFileSync(join(packageRoot, file), 'utf8'))
      const functions = (names?.[1] ?? '').split(',').filter((name) => name.trim() && !/^\s*type /.test(name))
      return functions.map((name) => `${file}: ${name.trim()}`)
    })
  expect(starting.sort()).toEqual([
    'src/base/program.ts: execFileSync',
    'src/base/program.ts: spawn',
    'src/engine/apart/process.ts: fork',
  ])
})
