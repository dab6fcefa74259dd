import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'

const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8')

test('SECURITY.md is linked, its links lead somewhere, and the variables and commands that it names exist', () => {
  const text = read('SECURITY.md')
  expect(read('README.md')).toContain('](SECURITY.md)')
  for (const [, link] of text.matchAll(/\]\(([^)#]+)\)/g)) expect(existsSync(join(packageRoot, link!)), link).toBe(true)
  const names = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' })
  const code = names.flatMap((name) => (name.endsWith('.ts') ? read(join('src', name)) : [])).join('\n')
  const variables = new Set(text.match(/\b(?:COMPACTER|HF|HUGGING)_[A-Z_]+/g))
  expect(variables.size).toBeGreaterThan(5)
  expect([...variables].filter((name) => !code.includes(name))).toEqual([])
  const commands = read('docs/commands.md')
  const flags = new Set(text.match(/`[a-z ]*--[a-z-]+/g)?.map((word) => /--[a-z-]+/.exec(word)![0]))
  expect([...flags].filter((flag) => flag !== '--version' && !commands.includes(flag))).toEqual([])
})
