import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { quoted } from '../src/base/command_line.js'
import { packageRoot } from '../src/base/root.js'

// The executable from its sources: what `npm run build` makes of it is tested by using it.
const cache = mkdtempSync(join(tmpdir(), 'compacter-bin-'))
afterAll(() => rmSync(cache, { recursive: true }))

function compacter(args: string[], env: Record<string, string> = {}) {
  const command = ['--import', 'tsx', join(packageRoot, 'bin', 'dev.js'), ...args]
  const options = { encoding: 'utf8' as const, cwd: packageRoot, env: { ...process.env, ...env } }
  const { status, stdout, stderr } = spawnSync(process.execPath, command, options)
  return { status, stdout, stderr }
}

test('an error that the user can act on is its message on stderr, without a stack', () => {
  expect(compacter(['doctor'], { COMPACTER_ENGINE: 'cuda' })).toEqual({
    status: 1,
    stdout: '',
    stderr: "COMPACTER_ENGINE is 'cuda'; there is no such engine. Set it to auto, tensorflow, webgpu or wasm.\n",
  })
})

test('a named engine that is not set up is refused with the command that sets it up', () => {
  const env = { COMPACTER_ENGINE: 'tensorflow', COMPACTER_CACHE: cache }
  const { status, stdout, stderr } = compacter(['doctor', '--json'], env)
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
  const problem = "The engine tensorflow can't start: the native engine is not set up."
  const remedy = 'Run `npm run setup`, or take another engine with --engine auto.'
  expect(JSON.parse(stdout)).toEqual({
    error: { name: 'UserError', message: `${problem} ${remedy}`, problem, remedy },
  })
})

test('a flag that does not exist is bad usage: exit code 2', () => {
  expect(compacter(['doctor', '--frobnicate'])).toEqual({
    status: 2,
    stdout: '',
    stderr: 'compacter doctor: there is no flag --frobnicate. All flags: compacter doctor --help.\n',
  })
})

test('a hint names the program as it can be called again from there', () => {
  const elsewhere = [
    '--import',
    join(packageRoot, 'node_modules/tsx/dist/esm/index.mjs'),
    join(packageRoot, 'bin/dev.js'),
  ]
  const remedy = (cwd: string) => {
    const env = { ...process.env, PATH: '', COMPACTER_COMMAND: '' }
    const { stderr } = spawnSync(process.execPath, [...elsewhere, 'sweep', 'stauts'], { encoding: 'utf8', cwd, env })
    return stderr.trim().split('command. ')[1]
  }
  expect(remedy(packageRoot)).toBe("Did you mean 'npx compacter sweep status'?")
  const run = quoted(join(packageRoot, 'bin/run.js'))
  expect(remedy(cache)).toBe(`Did you mean 'node ${run} sweep status'?`)
})

test('-h is --help and -v is --version', () => {
  expect(compacter(['sweep', 'run', '-h'])).toEqual(compacter(['sweep', 'run', '--help']))
  const { status, stdout } = compacter(['-v'])
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^compacter\/\d+\.\d+\.\d+ /) })
})

test('a command that does not exist is bad usage, with the one that was probably meant; nothing is asked', () => {
  const problem = 'there is no such command.'
  const remedy = "Did you mean 'compacter sweep status'?"
  expect(compacter(['sweep', 'stauts', 'runs/x'])).toEqual({
    status: 2,
    stdout: '',
    stderr: `compacter sweep stauts: ${problem} ${remedy}\n`,
  })
  const { status, stdout, stderr } = compacter(['sweep', 'stauts', 'runs/x', '--json'])
  expect({ status, stderr }).toEqual({ status: 2, stderr: '' })
  expect(JSON.parse(stdout).error).toMatchObject({ at: 'compacter sweep stauts', problem, remedy })
})

test('doctor finds wasm where there is nothing else, and exits 0', () => {
  const { status, stdout } = compacter(['doctor', '--json'], { COMPACTER_ENGINE: 'wasm', COMPACTER_CACHE: cache })
  expect(status).toBe(0)
  const diagnosis = JSON.parse(stdout)
  expect(diagnosis).toMatchObject({
    node: process.version,
    device: { engine: 'wasm', version: '4.22.0', threads: 1, description: 'WebAssembly 4.22.0, 1 CPU thread' },
    engines: { tensorflow: 'the native engine is not set up', wasm: 'ready: WebAssembly 4.22.0, 1 CPU thread' },
    cache,
    missing: { what: expect.stringContaining('The native engine, many times faster than WebAssembly.') },
  })
  expect(diagnosis.missing.command).toMatch(/npm run setup$/)
  expect(diagnosis.gflops).toBeGreaterThan(0.5)
})
