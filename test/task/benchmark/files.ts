import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OfficialSplit } from '../../../src/task/benchmark/benchmark.js'
import { officialRows } from '../../../src/task/benchmark/official.js'
import type { Row } from '../../../src/task/rows/table.js'
import { collect } from '../collect.js'

// made by test/oracle/hub_files.py with pyarrow
export const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url))

export async function rowsOf(name: string, path: string, split: OfficialSplit = 'train'): Promise<Row[]> {
  return collect((await officialRows(name, split, { path })).rows())
}

export const valuesOf = (rows: Row[]) => rows.map((row) => ('values' in row ? row.values : row.problem))

export const archive = (name: string) => join(fixtures, 'official', name.startsWith('superglue/') ? 'superglue' : '')
export const hub = (name: string) => join(fixtures, 'hub', name.split('/')[0]!)

export const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'did not fail',
    (error) => `${error.name}: ${error.message}`,
  )
