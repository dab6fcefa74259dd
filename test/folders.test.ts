import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../src/base/root.js'

/** The folders of src in docs/design.md's order: each may import the ones below it only, types included. */
const ORDER = [...readFileSync(join(packageRoot, 'docs/design.md'), 'utf8').matchAll(/^\| `src\/(\w+)\/` \|/gm)].map(
  ([, name]) => name!,
)

const files = (readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' }) as string[]).filter(
  (file) => /\.(ts|cts|cjs)$/.test(file),
)
const folderOf = (file: string) => file.split(sep)[0]!

test('the map names every folder of src, and no other', () => {
  expect(files.filter((file) => !file.includes(sep))).toEqual([])
  expect(ORDER.toSorted()).toEqual([...new Set(files.map(folderOf))].sort())
})

test('no folder imports one that is above it', () => {
  const up = files.flatMap((file) => {
    const text = readFileSync(join(packageRoot, 'src', file), 'utf8')
    const imports = [...text.matchAll(/(?:from|import|require)\s*\(?\s*'(\.[^']+)'/g)]
    const targets = imports.map(([, path]) => folderOf(normalize(join(dirname(file), path!))))
    return targets
      .filter((target) => ORDER.indexOf(target) < ORDER.indexOf(folderOf(file)))
      .map((target) => `${file} imports ${target}`)
  })
  expect(up).toEqual([])
})

test('a folder holds at most fifteen files by itself, and a file at most 300 lines', () => {
  const counts = new Map<string, number>()
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
  expect([...counts].filter(([, count]) => count > 15)).toEqual([])
  for (const file of files) {
    const lines = readFileSync(join(packageRoot, 'src', file), 'utf8').split('\n').length - 1
    expect(lines, file).toBeLessThanOrEqual(300)
  }
})
