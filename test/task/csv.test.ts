import { expect, test } from 'vitest'
import { csvReader, type Fields, readAll, tsvRecords } from '../../src/task/rows/csv.js'

const linesOf = (text: string) => text.split('\n').map((line, i) => ({ number: i + 1, text: line }))
const csv = (text: string) => [...readAll(linesOf(text), csvReader())]
const row = (line: number, ...fields: string[]): Fields => ({ line, fields })
const bad = (line: number, problem: string): Fields => ({ line, problem })

const STRAY = 'there is a quote inside a value. Write a quote as "", and put quotes around the whole value.'
const UNCLOSED = 'a quote opens a value here and nothing closes it.'

test('quoted values, with commas, quotes and line breaks in them', () => {
  expect(csv('a,b\n"1,5",""\n\n"say ""hi""","two\n\nlines"\n"",x')).toEqual([
    row(1, 'a', 'b'),
    row(2, '1,5', ''),
    row(4, 'say "hi"', 'two\n\nlines'),
    row(7, '', 'x'),
  ])
})

test('a quote that nothing closes spoils its own row and no other', () => {
  expect(csv('a,1\n"b,2\nc,3\n\nd,4')).toEqual([row(1, 'a', '1'), bad(2, UNCLOSED), row(3, 'c', '3'), row(5, 'd', '4')])
})

test('a quote that only a later quote closes, in the midst of a value', () => {
  expect(csv('"b,2\nc,3\n"d, e",4\nf,5')).toEqual([
    bad(1, UNCLOSED),
    row(2, 'c', '3'),
    row(3, 'd, e', '4'),
    row(4, 'f', '5'),
  ])
  expect(csv('"b,2\nc,3\nd said "e",4\nf,5')).toEqual([
    bad(1, UNCLOSED),
    row(2, 'c', '3'),
    bad(3, STRAY),
    row(4, 'f', '5'),
  ])
  expect(csv('"b,2\nc,3\nit"s,4\nf,5')).toEqual([
    bad(1, 'a quote opens a value here and nothing closes it before the quote in line 3.'),
    row(2, 'c', '3'),
    bad(3, STRAY),
    row(4, 'f', '5'),
  ])
})

test('two stray quotes in one file are two bad rows', () => {
  expect(csv('"a,1\nb,2\n"c,3\nd,4')).toEqual([
    bad(1, 'a quote opens a value here and nothing closes it before the quote in line 3.'),
    row(2, 'b', '2'),
    bad(3, UNCLOSED),
    row(4, 'd', '4'),
  ])
})

test('an opened quote is given up after 16 MB, and the rows after it are there', () => {
  function* lines() {
    yield { number: 1, text: '"open,0' }
    for (let number = 2; number <= 600_000; number++)
      yield { number, text: 'a row of forty characters or thereabouts,1' }
  }
  let rows = 0
  const problems: Fields[] = []
  for (const record of readAll(lines(), csvReader())) {
    if ('problem' in record) problems.push(record)
    else rows++
  }
  expect(problems).toEqual([bad(1, UNCLOSED)])
  expect(rows).toBe(599_999)
})

test('a line that is not UTF-8 is bad, within quotes too', () => {
  const lines = [
    { number: 1, text: undefined },
    { number: 2, text: '"a' },
    { number: 3, text: undefined },
    { number: 4, text: 'b,1' },
  ]
  const problem = 'the line is not valid UTF-8.'
  expect([...readAll(lines, csvReader())]).toEqual([bad(1, problem), bad(3, problem), row(4, 'b', '1')])
  expect([...tsvRecords(lines.slice(2))]).toEqual([bad(3, problem), row(4, 'b,1')])
})

test('TSV has no quotes', () => {
  expect([...tsvRecords(linesOf('"a\tb"\n\n"c""\t'))]).toEqual([row(1, '"a', 'b"'), row(3, '"c""', '')])
})
