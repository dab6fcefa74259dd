import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from '@oclif/core'
import { afterEach, expect, test, vi } from 'vitest'
import Report from '../../commands/report.js'
import { packageRoot } from '../../src/base/root.js'
import { newFolder, writeRun } from '../report/runs.js'

/** What the command prints. */
async function printed(...argv: string[]): Promise<{ stdout: string; stderr: string }> {
  const lines = (method: 'log' | 'error') => {
    const spy = vi.spyOn(console, method).mockImplementation(() => {})
    return () => spy.mock.calls.map(([line]) => `${line}\n`).join('')
  }
  const [stdout, stderr] = [lines('log'), lines('error')]
  await (Report as { run(argv: string[], root: string): Promise<unknown> } & typeof Command).run(argv, packageRoot)
  return { stdout: stdout(), stderr: stderr() }
}

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const folder = newFolder()
const [first, second] = [1, 2].map((seed) =>
  writeRun(join(folder, `seed${seed}`), { sets: [`training.seed=${seed}`], test: { accuracy: 60 + seed } }),
) as [string, string]
const begun = writeRun(join(folder, 'begun'), { finished: false, steps: 7 })

test('writes a page, says what is left out, and replaces nothing without --force', async () => {
  const out = join(newFolder(), 'report.html')
  const command = [first, second, begun, '--out', out]
  const { stdout, stderr } = await printed(...command)
  expect(stdout).toBe(`${out}: 3 runs\n`)
  expect(stderr).toBe(
    `Warning: ${begun}: is not finished: it is at step 7 of 40. Its curves are shown, its scores are not.\n`,
  )
  expect(readFileSync(out, 'utf8')).toMatch(/^<!doctype html>\n[\s\S]*<\/html>\n$/)

  writeFileSync(out, 'mine')
  await expect(printed(...command)).rejects.toThrow(
    `${out}: exists already. Replace it with --force, or choose another --out.`,
  )
  expect(readFileSync(out, 'utf8')).toBe('mine')
  await printed(...command, '--force')
  expect(readFileSync(out, 'utf8')).toMatch(/^<!doctype html>/)
})

test.each([
  ['markdown', '| compacter | 0.195 | 61.50 ± 0.71 |'],
  ['latex', 'compacter & 0.195 & 61.50 $\\pm$ 0.71 \\\\'],
])('prints a table for %s, or writes it', async (format, row) => {
  const { stdout } = await printed(first, second, '--format', format)
  expect(stdout.split('\n')).toContain(row)
  const out = join(newFolder(), 'table')
  await printed(first, second, '--format', format, '--out', out)
  expect(readFileSync(out, 'utf8')).toBe(stdout)
})

test('--json lists the groups, their scores and what is left out', async () => {
  const { stdout } = await printed(folder, '--format', 'markdown', '--json')
  const group = { method: 'compacter', task: 'rotten-tomatoes', runs: [begun, first, second] }
  const accuracy = { mean: 61.5, std: Math.SQRT1_2 }
  expect(JSON.parse(stdout)).toEqual({
    out: null,
    runs: 3,
    groups: [{ ...group, validation: { accuracy }, test: { accuracy }, validation_score: accuracy, score: accuracy }],
    left_out: [{ folder: begun, reason: expect.stringContaining('at step 7 of 40') }],
  })
})

test('a table of nothing finished is refused, and nothing is written', async () => {
  const out = join(newFolder(), 'table.md')
  await expect(printed(begun, '--format', 'markdown', '--out', out)).rejects.toThrow(
    'None of these runs has been trained to its end here, so there are no scores for a table. --format html shows their curves.',
  )
  expect(existsSync(out)).toBe(false)
})

test('a target that cannot be written is refused before the runs are read', async () => {
  const out = join(newFolder(), 'none', 'report.html')
  await expect(printed(join(folder, 'missing'), '--out', out)).rejects.toThrow(
    `${out}: the folder does not exist. Create it first.`,
  )
})
