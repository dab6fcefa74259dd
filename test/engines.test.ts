import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../src/base/root.js'
import { hasEngine } from './support/engines.js'

const here = { tensorflow: false, webgpu: false, wasm: true }

test('an engine that is missing is skipped, or an error where it is required', () => {
  expect(hasEngine('tensorflow', here, '')).toBe(false)
  expect(hasEngine('wasm', here, 'tensorflow,wasm')).toBe(true)
  expect(() => hasEngine('tensorflow', here, 'tensorflow,wasm')).toThrow(
    'COMPACTER_REQUIRE_ENGINES names tensorflow, which is not set up here: run `npm run setup`.',
  )
})

test('a name that is not an engine is an error: nothing would be required by it', () => {
  expect(() => hasEngine('wasm', here, 'tensorlow')).toThrow(
    'COMPACTER_REQUIRE_ENGINES names tensorlow; engines are tensorflow, webgpu, wasm.',
  )
})

test('the checks of a change require the native engine', () => {
  expect(readFileSync(join(packageRoot, '.ci', 'run'), 'utf8')).toContain(
    'export COMPACTER_REQUIRE_ENGINES=tensorflow,wasm\n',
  )
})

test('no other test finds out by itself which engines are set up', () => {
  const files = readdirSync(join(packageRoot, 'test'), { recursive: true, encoding: 'utf8' })
  const asking = files.filter(
    (file) =>
      file.endsWith('.ts') && /\binstalledEngines\b/.test(readFileSync(join(packageRoot, 'test', file), 'utf8')),
  )
  // the first lends what was set up to the tests of set-up
  expect(asking.sort()).toEqual([join('engine', 'device', 'lent_library.ts'), join('support', 'engines.ts')])
})
