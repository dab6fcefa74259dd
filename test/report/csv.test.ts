import { expect, test } from 'vitest'
import { csvField, csvLine, tsvLine } from '../../src/base/text/csv.js'
import type { ParameterRow } from '../../src/count/parameters.js'
import { lowResourceCsv } from '../../src/report/sweep/low_resource.js'
import { resultsCsv } from '../../src/report/sweep/sweep.js'
import { formatParameters } from '../../src/report/tables/parameters.js'

// https://owasp.org/www-community/attacks/CSV_Injection: what spreadsheets take for a formula.
test.each([
  ['=1+1', "'=1+1"],
  ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
  ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
  ['+1+1', "'+1+1"],
  ['-1+1', "'-1+1"],
  ['- a dull film', "'- a dull film"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', `"'\r=1"`],
])('%j is text in a spreadsheet: %s', (text, field) => expect(csvField(text)).toBe(field))

test.each([
  ...[-3.5, -0.000001, 1e-7, -1e21, 0],
  ...['-3.5', '+2', '-1e-7', '-.5', '-3.', '-4E+2'],
  ...['a = b', 'a,b', '', 'it is -1', "'quoted'"],
])('%j is as it was', (value) => {
  const field = csvField(value)
  const read = field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field
  expect(read).toBe(String(value))
})

test('a line has fields of every kind', () => {
  expect(csvLine(['a "b"', -1, null, undefined, { n: 4 }, ['x', '=y'], true, 'two\nlines'])).toBe(
    '"a ""b""",-1,,,"{""n"":4}","[""x"",""=y""]",true,"two\nlines"',
  )
})

test('a line of tab-separated values quotes nothing, and holds tabs and line breaks between values only', () => {
  expect(tsvLine(['a "b"', -1, null, '=1\t2', 'two\r\nlines', { n: 4 }])).toBe(
    'a "b"\t-1\t\t\'=1 2\ttwo lines\t{"n":4}',
  )
})

const EVIL = '=HYPERLINK("http://x")'
const SAFE = `"'=HYPERLINK(""http://x"")"`

test('every table that people open passes its texts through', () => {
  const row = { backbone: EVIL, method: 'compacter', changes: [], options: {}, problem: '-1+1', trained_parameters: -5 }
  const parameters = formatParameters([row as unknown as ParameterRow], 'csv')
  expect(parameters.split('\r\n')[1]).toBe(`${SAFE},compacter,[],{},'-1+1,-5\r`)

  const cell = { index: 0, name: 'a', axes: { 'task.prompt': EVIL }, task: '@t', backbone: EVIL }
  const sweep = {
    name: 's',
    folder: 'f',
    axes: ['task.prompt'],
    seeds: [],
    summary: [],
    best: [],
    best_cell: [],
    cautions: [],
  }
  const failed = { ...cell, state: 'failed' as const, reason: '+x' }
  expect(resultsCsv({ ...sweep, cells: [failed] }).split('\n')[1]).toBe(`0,a,failed,${SAFE},'@t,${SAFE},,,,'+x`)

  const scores = { validation: { matthews: -2.5 }, test: { matthews: -3 } }
  const grid = { cells: [{ method: '-m', size: 8, seed: 0, run: 'r', ...scores, best_step: 1, seconds: 2 }] }
  expect(lowResourceCsv(grid as unknown as Parameters<typeof lowResourceCsv>[0]).split('\n')[1]).toBe(
    "'-m,8,0,-2.5,-3,1,2",
  )
})
