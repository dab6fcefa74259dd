import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandLine, quoted, setupCommand } from '../../src/base/command_line.js'

let folder: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'compacter-place-')))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A package as npm lays it out below `owner`; returns its folder. */
function installed(owner: string): string {
  const root = join(owner, 'node_modules', 'compacter')
  mkdirSync(join(root, 'bin'), { recursive: true })
  mkdirSync(join(owner, 'node_modules', '.bin'))
  writeFileSync(join(root, 'bin', 'run.js'), '')
  symlinkSync('../compacter/bin/run.js', join(owner, 'node_modules', '.bin', 'compacter'))
  return root
}

test('a clone is set up by its own script, from elsewhere by its path', () => {
  const root = join(folder, "the user's clone")
  expect(setupCommand({ root, cwd: root, path: '' })).toBe('npm run setup')
  expect(setupCommand({ root, cwd: join(root, 'docs'), path: '' })).toBe('npm run setup')
  expect(setupCommand({ root, cwd: folder, path: '' })).toBe(`npm --prefix '${folder}/the user'\\''s clone' run setup`)
  expect(setupCommand({ root, cwd: `${root}-2`, path: '' })).toBe(setupCommand({ root, cwd: folder, path: '' }))
})

test('a global install is called by its name, if that name is on the PATH and means this copy', () => {
  const root = installed(join(folder, 'lib'))
  const other = installed(join(folder, 'other'))
  mkdirSync(join(folder, 'bin'))
  symlinkSync('../lib/node_modules/compacter/bin/run.js', join(folder, 'bin', 'compacter'))
  const path = ['/usr/bin', join(folder, 'bin')].join(':')
  expect(setupCommand({ root, cwd: '/', path })).toBe('compacter setup')
  expect(setupCommand({ root, cwd: '/', path: '/usr/bin' })).toBe(`node ${root}/bin/run.js setup`)
  expect(setupCommand({ root: other, cwd: '/', path })).toBe(`node ${other}/bin/run.js setup`)
})

test("a project's dependency is called by npx inside the project, though npx changes the PATH", () => {
  const root = installed(join(folder, 'project'))
  const path = join(folder, 'project', 'node_modules', '.bin')
  expect(setupCommand({ root, cwd: join(folder, 'project'), path })).toBe('npx compacter setup')
  expect(setupCommand({ root, cwd: folder, path })).toBe(`node ${root}/bin/run.js setup`)
})

test('what npx fetched for one call is called by the same name again', () => {
  const root = installed(join(folder, '_npx', '25324a5c4535a142'))
  const path = join(folder, '_npx', '25324a5c4535a142', 'node_modules', '.bin')
  writeFileSync(
    join(folder, '_npx', '25324a5c4535a142', 'package.json'),
    JSON.stringify({ _npx: { packages: ['/my files/compacter-0.1.0.tgz'] } }),
  )
  const command = "npx --package '/my files/compacter-0.1.0.tgz' compacter setup"
  expect(setupCommand({ root, cwd: folder, path })).toBe(command)
})

test('a clone is called by npx in its folders, from elsewhere by its path, and by its name where that is linked', () => {
  const root = join(folder, "the user's clone")
  mkdirSync(join(root, 'bin'), { recursive: true })
  writeFileSync(join(root, 'bin', 'run.js'), '')
  expect(commandLine('doctor', { root, cwd: root, path: '' })).toBe('npx compacter doctor')
  expect(commandLine('doctor', { root, cwd: join(root, 'docs'), path: '' })).toBe('npx compacter doctor')
  expect(commandLine('doctor', { root, cwd: folder, path: '' })).toBe(
    `node '${folder}/the user'\\''s clone/bin/run.js' doctor`,
  )
  mkdirSync(join(folder, 'bin'))
  symlinkSync(join(root, 'bin', 'run.js'), join(folder, 'bin', 'compacter'))
  expect(commandLine('doctor', { root, cwd: root, path: join(folder, 'bin') })).toBe('compacter doctor')
})

test('the user can name the program; how a clone is set up stays', () => {
  const root = join(folder, 'clone')
  expect(commandLine('doctor', { root, cwd: root, path: '', named: './in_container.sh' })).toBe(
    './in_container.sh doctor',
  )
  expect(setupCommand({ root, cwd: root, path: '', named: './in_container.sh' })).toBe('npm run setup')
})

test('words are quoted for the shell only where it would change them', () => {
  expect(['a/b-c.json', 'a b', "it's", '$HOME', ''].map(quoted)).toEqual([
    'a/b-c.json',
    "'a b'",
    "'it'\\''s'",
    "'$HOME'",
    "''",
  ])
})
