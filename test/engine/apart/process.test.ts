import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { hashSeed } from '../../../src/base/numbers/random.js'
import { packageRoot } from '../../../src/base/root.js'
import type { Failure } from '../../../src/engine/apart/child.js'
import { errorOf, runApart } from '../../../src/engine/apart/process.js'

const folder = mkdtempSync(join(tmpdir(), 'apart-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

/** What becomes of a job whose process gets a signal before it listens. */
function signalled(signal: string, interrupted: boolean) {
  const module = join(folder, `${signal}.mjs`)
  writeFileSync(module, `process.kill(process.pid, '${signal}')`)
  const options = { log: join(folder, 'log'), interrupted: () => interrupted, onSaid: () => {}, saves: true }
  return runApart(pathToFileURL(module), {}, options)
}

test('a job that Ctrl-C ends before it listens was interrupted, and has not failed', async () => {
  expect(await signalled('SIGINT', true)).toBe('interrupted')
  expect(await signalled('SIGTERM', true)).toBe('interrupted')
})

test('a job that is ended though nobody asked to stop has failed, and so has one that is killed', async () => {
  expect(await signalled('SIGTERM', false)).toEqual({ failure: expect.stringContaining('ended with SIGTERM') })
  expect(await signalled('SIGKILL', true)).toEqual({ failure: expect.stringContaining('was killed'), killed: true })
})

test('without a log, a failure ends with what the process itself said last', async () => {
  const module = join(folder, 'complains.mjs')
  writeFileSync(
    module,
    "console.error('a line'); process.stderr.write('no such tensor: x'); process.exitCode = 3; process.disconnect()",
  )
  const options = { interrupted: () => false, onSaid: () => {}, saves: false }
  expect(await runApart(pathToFileURL(module), {}, options)).toEqual({
    failure: 'The process ended with code 3.\na line\nno such tensor: x',
  })
})

/** The failure of a job whose work throws that, and the error that it becomes here. */
async function thrown(error: string) {
  const module = join(folder, `${hashSeed(0, error)}.ts`)
  const source = (name: string) => JSON.stringify(join(packageRoot, 'src', name))
  writeFileSync(
    module,
    `import { UserError } from ${source('base/error.js')}
import { answerJob } from ${source('engine/apart/child.js')}
answerJob(async () => { throw ${error} }, { saves: false })`,
  )
  const options = { interrupted: () => false, onSaid: () => {}, saves: false }
  vi.stubEnv('NODE_OPTIONS', '--import tsx')
  return runApart<Failure>(pathToFileURL(module), {}, options)
}

test('an error of the job keeps where it is, the remedy, or else its stack', async () => {
  const complaint = { at: '--mode replay', problem: 'is not there.', remedy: 'Leave it out.' }
  const known = (await thrown(`new UserError(${JSON.stringify(complaint)})`)) as Failure
  expect(known).toEqual({ failure: '--mode replay: is not there. Leave it out.', complaint })
  expect(errorOf(known)).toMatchObject(complaint)
  const own = (await thrown("new TypeError('x is undefined')")) as Failure
  expect(own.failure).toBe('x is undefined')
  expect(errorOf(own).stack).toMatch(/TypeError: x is undefined\n +at /)
})
