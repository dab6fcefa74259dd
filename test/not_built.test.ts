import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../src/base/root.js'

let clone: string

beforeEach(() => {
  clone = realpathSync(mkdtempSync(join(tmpdir(), 'compacter-clone-')))
  for (const part of ['bin', 'package.json']) cpSync(join(packageRoot, part), join(clone, part), { recursive: true })
})
afterEach(() => rmSync(clone, { recursive: true }))

function run(cwd: string, root = clone) {
  const options = { cwd, encoding: 'utf8' as const }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin', 'run.js'), 'doctor'], options)
  return { status, stdout, stderr }
}

test('a clone that was not built says what to run', () => {
  const stderr = (where: string) =>
    `${clone}: is not installed and built as it should be: there is no module '${join(clone, 'dist/src/base/compiled_code.js')}'. Run${where}: npm ci && npm run build\n`
  expect(run(clone)).toEqual({ status: 1, stdout: '', stderr: stderr('') })
  expect(run(join(clone, 'bin'))).toEqual({ status: 1, stdout: '', stderr: stderr('') })
  expect(run(tmpdir())).toEqual({ status: 1, stdout: '', stderr: stderr(' there') })
})

test('so does one that was built, and whose packages are gone', () => {
  mkdirSync(join(clone, 'dist', 'src', 'base'), { recursive: true })
  writeFileSync(join(clone, 'dist/src/base/compiled_code.js'), 'export const compiledCodeFolder = () => undefined\n')
  expect(run(clone)).toEqual({
    status: 1,
    stdout: '',
    stderr: `${clone}: is not installed and built as it should be: there is no package '@oclif/core'. Run: npm ci && npm run build\n`,
  })
})

test('and one that lacks a package which a command needs', () => {
  const kept = join(clone, 'node_modules', '@oclif')
  mkdirSync(join(kept), { recursive: true })
  for (const name of ['core', 'plugin-help'])
    symlinkSync(join(packageRoot, 'node_modules', '@oclif', name), join(kept, name), 'junction')
  for (const part of ['dist/src', 'dist/commands', 'oclif.manifest.json'])
    cpSync(join(packageRoot, part), join(clone, part), { recursive: true })
  const { status, stdout, stderr } = run(clone)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^\S+: is not .*: there is no package '[\w@/-]+'\. Run: npm ci && npm run build\n$/)
})

test('an installed package that is not whole is to be installed again', () => {
  const installed = join(clone, 'node_modules', 'compacter')
  mkdirSync(installed, { recursive: true })
  for (const part of ['bin', 'package.json']) cpSync(join(clone, part), join(installed, part), { recursive: true })
  expect(run(clone, installed).stderr).toMatch(/compiled_code\.js'\. Install compacter again\.\n$/)
})
