import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'

test('docs/commands.md is what `npm run docs:commands` makes of the built commands', () => {
  const file = 'docs/commands.md'
  const oclif = join(packageRoot, 'node_modules', 'oclif', 'bin', 'run.js')
  const args = [oclif, 'readme', '--readme-path', file, '--no-aliases', '--dry-run']
  const printed = execFileSync(process.execPath, args, {
    cwd: packageRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [, text] = /^replacing <!-- commands --> in .*\n([\s\S]*)\n$/.exec(printed)!
  expect(text!.trimEnd()).toBe(readFileSync(join(packageRoot, file), 'utf8').trimEnd())
})
