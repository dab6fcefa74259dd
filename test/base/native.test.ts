import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { hasEngine } from '../support/engines.js'

const sources = (readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' }) as string[])
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(packageRoot, 'src', name), 'utf8') }))

test('one file loads koffi, since its stacks can be set only before its first library is loaded', () => {
  expect(sources.filter(({ text }) => /require\('koffi'\)/.test(text)).map(({ name }) => name)).toEqual([
    join('base', 'native.ts'),
  ])
})

test.runIf(hasEngine('tensorflow'))('a process that has taken a lock can still replay', () => {
  const script = `
    import { mkdtempSync } from 'node:fs'
    import { startDevice } from './src/engine/device/device.js'
    import { loadLibrary } from './src/engine/graph/library.js'
    import { loadedTensorflow } from './src/engine/device/tensorflow.js'
    import { withLock } from './src/base/lock/lock.js'
    await withLock(mkdtempSync('/tmp/compacter-') + '/lock', async () => {
      await startDevice({ engine: 'tensorflow' })
      console.log(typeof loadLibrary(loadedTensorflow().engine).SessionRun)
    }, { busy() {}, say() {} })
  `
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  expect(execFileSync(process.execPath, args, { cwd: packageRoot, encoding: 'utf8' }).trim()).toBe('function')
})
