import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'

const BUSY = 'const end = Date.now() + 300_000; console.log("ready"); while (Date.now() < end);'
const WAITING =
  'console.log("ready"); while (!interrupted()) await new Promise((done) => setTimeout(done, 10)); console.log("saved")'

/** Work behind `untilInterrupted` in a process of its own, which gets a signal once it says that it is ready. */
async function stopped(work: string, signal: NodeJS.Signals) {
  const script = `
    const { untilInterrupted } = await import('./src/cli/interrupt.ts')
    await untilInterrupted(async (interrupted) => { ${work} })`
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (text) => {
    if (!said.includes('ready') && `${text}`.includes('ready')) child.kill(signal)
    said += text
  })
  const [code, ended] = await once(child, 'close')
  return { code, ended, said: said.trim().split('\n') }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends work at once that is busy before it has anything to save',
  async (signal) => {
    expect(await stopped(BUSY, signal)).toEqual({ code: null, ended: signal, said: ['ready'] })
  },
)

test('a signal lets work save that asks for it', async () => {
  expect(await stopped(`interrupted(); ${WAITING}`, 'SIGTERM')).toEqual({
    code: 0,
    ended: null,
    said: ['ready', 'saved'],
  })
})
