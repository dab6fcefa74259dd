import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compacter } from '../support/cli.js'

const out = join(mkdtempSync(join(tmpdir(), 'subsample-')), 'subsets')

test('writes a file for each size and seed and prints their paths; --json prints their content', async () => {
  const sizes = ['--size', '3', '--size', '5']
  const { code, stdout, stderr } = await compacter([
    'subsample',
    'rotten-tomatoes',
    ...sizes,
    '--seeds',
    '2',
    '--out',
    out,
  ])
  expect(code, stderr).toBe(0)
  const names = ['3-seed0', '3-seed1', '5-seed0', '5-seed1'].map((name) => `rotten-tomatoes-${name}.json`)
  expect(stdout).toBe(names.map((name) => `${join(out, name)}\n`).join(''))
  expect(readdirSync(out).sort()).toEqual(names)
  const again = await compacter(['subsample', 'quickstart', '--size', '3', '--seed', '1', '--out', out, '--json'])
  const file = join(out, names[1]!)
  expect(JSON.parse(again.stdout)).toEqual([
    { file, state: 'unchanged', subset: JSON.parse(readFileSync(file, 'utf8')) },
  ])
})

test('refuses to write over another subset, and a size beyond the split', async () => {
  const file = join(out, 'rotten-tomatoes-3-seed0.json')
  writeFileSync(file, '{}')
  const draw = ['subsample', 'rotten-tomatoes', '--size', '3', '--seed', '0', '--out', out]
  const refused = await compacter(draw)
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain(
    `${file}: exists already and differs in task, size, seed, stratified, rows_total, data_sha256, indices. Choose another folder with --out, or write over it with --force.\n`,
  )
  expect((await compacter([...draw, '--force'])).code).toBe(0)
  expect(JSON.parse(readFileSync(file, 'utf8')).indices.length).toBe(3)
  const large = await compacter(['subsample', 'rotten-tomatoes', '--size', '9999', '--out', out])
  expect([large.code, large.stderr.split('\n').at(-2)]).toEqual([
    1,
    '--size 9999: a subset of 9999 rows; the training split of rotten-tomatoes has 8530. Choose 8530 or fewer.',
  ])
})
