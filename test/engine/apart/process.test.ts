import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { runApart } from '../../../src/engine/apart/process.js'

const folder = mkdtempSync(join(tmpdir(), 'apart-'))
afterAll(() => rmSync(folder, { recursive: true }))

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
  expect(await signalled('SIGKILL', true)).toEqual({ failure: expect.stringContaining('was killed') })
})
