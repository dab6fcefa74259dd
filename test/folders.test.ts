import { readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../src/base/root.js'
import { folderImports, folderOf, isUp, ORDER, sourceFiles } from './support/folder_imports.js'

test('the map names every folder of src, and no other', () => {
  expect(sourceFiles.filter((file) => !file.includes(sep))).toEqual([])
  expect(ORDER.toSorted()).toEqual([...new Set(sourceFiles.map(folderOf))].sort())
})

test('no folder imports one that is above it', () => {
  const imports = folderImports()
  expect(imports.length).toBeGreaterThan(500)
  expect(imports.filter(isUp)).toEqual([])
})

test('a folder holds at most fifteen files by itself, and a file at most 300 lines', () => {
  const counts = new Map<string, number>()
  for (const file of sourceFiles) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
  expect([...counts].filter(([, count]) => count > 15)).toEqual([])
  for (const file of sourceFiles) {
    const lines = readFileSync(join(packageRoot, 'src', file), 'utf8').split('\n').length - 1
    expect(lines, file).toBeLessThanOrEqual(300)
  }
})
