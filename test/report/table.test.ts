import stringWidth from 'string-width'
import { afterEach, describe, expect, test } from 'vitest'
import { byteSize } from '../../src/base/text/size.js'
import { catalogue } from '../../src/catalogue/catalogue.js'
import { parameterRows } from '../../src/count/parameters.js'
import { select } from '../../src/count/selection.js'
import { statusTable } from '../../src/report/sweep/sweep.js'
import { benchTable } from '../../src/report/tables/bench.js'
import { entryTable } from '../../src/report/tables/entries.js'
import { formatParameters } from '../../src/report/tables/parameters.js'
import { confusionTable } from '../../src/report/tables/scores.js'
import { drawPairs, drawTable } from '../../src/report/tables/table.js'

const widest = (text: string) => Math.max(...text.split('\n').map((line) => stringWidth(line)))

const columns = [
  { head: 'method' },
  { head: 'trained', right: true },
  { head: 'complexity', importance: 1 },
  { head: 'on disk', right: true, importance: 2 },
]
const rows = [
  ['compacter', '161,728', 'O(k+d)', '664 KiB'],
  ['adapter', '1,855,104', 'O(kd)', '7.10 MiB'],
]

describe('a table', () => {
  test('has one rule, below its heads, and each row on a line', () => {
    expect(drawTable(columns, rows, 80).split('\n')).toEqual([
      '┌───────────┬───────────┬────────────┬──────────┐',
      '│ method    │   trained │ complexity │  on disk │',
      '├───────────┼───────────┼────────────┼──────────┤',
      '│ compacter │   161,728 │ O(k+d)     │  664 KiB │',
      '│ adapter   │ 1,855,104 │ O(kd)      │ 7.10 MiB │',
      '└───────────┴───────────┴────────────┴──────────┘',
    ])
  })

  test('leaves out the least important columns and names them', () => {
    expect(drawTable(columns, rows, 40).split('\n')).toEqual([
      '┌───────────┬───────────┬──────────┐',
      '│ method    │   trained │  on disk │',
      '├───────────┼───────────┼──────────┤',
      '│ compacter │   161,728 │  664 KiB │',
      '│ adapter   │ 1,855,104 │ 7.10 MiB │',
      '└───────────┴───────────┴──────────┘',
      'Too narrow for: complexity.',
    ])
    expect(drawTable(columns, rows, 30)).toContain('Too narrow for: complexity,')
  })

  test('wraps text at spaces, and numbers never', () => {
    const text = [{ head: 'name' }, { head: 'rows', right: true }, { head: 'description' }]
    const drawn = drawTable(text, [['a', '1,234,567', 'every word of this is here and none is cut']], 40)
    expect(widest(drawn)).toBeLessThanOrEqual(40)
    expect(drawn).toContain('│ 1,234,567 │')
    expect(drawn.match(/[a-z]+/g)!.join(' ')).toContain('every word of this is here and none is cut')
  })

  test('cuts a word that no line has room for, and counts wide characters twice', () => {
    const pairs = drawPairs([['name', '漢字'.repeat(40)]], 60)
    expect(widest(pairs)).toBeLessThanOrEqual(60)
    expect(pairs.match(/\p{Script=Han}/gu)).toHaveLength(80)
  })
})

const parameterTable = async () =>
  formatParameters(parameterRows(await select({ backbones: ['t5-base', 't5-nano'], sets: ['method.n=4'] }), 8), 'table')

const cells = (name: string) =>
  [
    { state: 'running', step: 12, steps: 400 },
    { state: 'finished', best_step: 12, validation: { accuracy: 67.12, f1: 70.2 }, seconds: 400 },
    { state: 'failed', reason: 'x' },
  ].map((cell, index) => ({ index, name: `${name}-${index}`, axes: {}, backbone: 'b', task: 't', ...cell }))

/** What commands print; each is a table that is wider than 60 columns where nothing bounds it. */
const printed: Record<string, () => string | Promise<string>> = {
  ...Object.fromEntries(
    (['backbones', 'methods', 'tasks', 'experiments', 'sweeps'] as const).map((kind) => [
      `list ${kind}`,
      () => entryTable(catalogue(kind)),
    ]),
  ),
  'params report': parameterTable,
  'sweep status': () =>
    statusTable({ cells: cells('method=low-rank-adapter,learning_rate=0.003'), active: true } as never),
  bench: () => benchTable([benchRow, { ...benchRow, method: 'low-rank-adapter' }] as never),
}

const benchRow = {
  ...{ backbone: 't5-small', method: 'compacter', changes: [], device: 'd', batch_size: 1, source_length: 1 },
  ...{ target_length: 2, precision: 'float32', mode: 'replay', steps: 5, load_average: 1, trained_parameters: 54464 },
  ...{ step_ms: 1339, step_ms_spread: 84, examples_per_second: 20, time_to_full: 0.5, peak_bytes: 2 ** 31 },
  ...{ memory_to_full: 0.4, torch: 'torch 2', torch_step_ms: 1800, torch_step_ms_spread: 90, time_ratio: 0.7 },
  ...{ torch_peak_bytes: 2 ** 31, memory_ratio: 0.7 },
}

const terminal = { isTTY: process.stdout.isTTY, columns: process.stdout.columns }
afterEach(() => void Object.assign(process.stdout, terminal))

describe.each(Object.keys(printed))('%s', (command) => {
  test.each([60, 80, 120])('fits a terminal of %i columns', async (width) => {
    Object.assign(process.stdout, { isTTY: true, columns: width })
    const tables = (await printed[command]!()).split('\n').filter((line) => /[│┌├└]/.test(line))
    expect(tables.length).toBeGreaterThan(3)
    expect(widest(tables.join('\n'))).toBeLessThanOrEqual(width)
  })

  test('has one rule below the heads, and no two columns of one name', async () => {
    const lines = (await printed[command]!()).split('\n')
    expect(lines.filter((line) => line.startsWith('├'))).toHaveLength(1)
    const heads = lines[lines.findIndex((line) => line.startsWith('┌')) + 1]!.split('│').map((head) => head.trim())
    expect(new Set(heads.slice(1, -1)).size).toBe(heads.length - 2)
    expect(heads.slice(1, -1)).not.toContain('')
  })
})

test('the head of bench names the length of targets where there are any', () => {
  const ofEncoder = { ...benchRow, target_length: null }
  const headOf = (...rows: object[]) => benchTable(rows as never).split('\n')[0]
  expect(headOf(ofEncoder)).toMatch(/^d\. 1 source of 1 token, float32, replay; median of 5 steps/)
  expect(headOf(ofEncoder, benchRow)).toMatch(/^d\. 1 source of 1 token, targets of 2, float32, replay/)
})

test('a confusion matrix is whole or not at all', () => {
  const labels = Array.from({ length: 10 }, (_, i) => `a-long-label-${i}`)
  const confusion = { labels, counts: labels.map(() => [...labels.map(() => 1), 0]) } as never
  Object.assign(process.stdout, { isTTY: true, columns: 80 })
  expect(confusionTable(confusion)).toBe('10 labels: the confusion matrix is in --json.')
  Object.assign(process.stdout, { isTTY: true, columns: 250 })
  expect(confusionTable(confusion)).toContain('a-long-label-9 │')
})

test('sizes are in one family of units, of three digits', () => {
  expect([0, 1, 1023, 1024, 87_831, 2 ** 20 - 1, 892_000_000, 2 ** 31, 5e13].map(byteSize)).toEqual([
    '0 bytes',
    '1 byte',
    '1023 bytes',
    '1.00 KiB',
    '85.8 KiB',
    '1.00 MiB',
    '851 MiB',
    '2.00 GiB',
    '45.5 TiB',
  ])
})
