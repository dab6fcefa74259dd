import { extname } from 'node:path'
import type { TaggingText } from '../options.js'
import { type LineReader, NOT_UTF8, readAll } from '../rows/csv.js'
import { readLines } from '../rows/lines.js'
import { type Row, readTable } from '../rows/table.js'

/** Which columns a line has: names in order, or the words first and the tags last. */
export type ConllColumns = Pick<TaggingText, 'words' | 'tags' | 'columns'>

/** Marks the beginning of a document in CoNLL-2003's files; it is no word. */
const DOCUMENT = '-DOCSTART-'

/** A longer sentence is a file without blank lines; this limits the memory that it can take. */
const MOST_WORDS = 100_000

/** Endings of files whose rows hold lists; all other files of words and tags have CoNLL's columns. */
const WITH_LISTS: readonly string[] = ['.jsonl', '.json', '.parquet']

/** Whether a file has CoNLL's columns, by its name. */
export const isConll = (file: string): boolean => !WITH_LISTS.includes(extname(file).toLowerCase())

/** Yields the rows of a file of words and tags, each a sentence. @throws UserError as `readTable` */
export const readSentences = (file: string, columns: ConllColumns): Iterable<Row> | AsyncIterable<Row> =>
  isConll(file) ? readAll(readLines(file), conllReader(columns)) : readTable(file)

/**
 * Reads lines of a word and its columns, separated by tabs or else blanks, with blank lines between sentences. A
 * sentence becomes a row with a list for each named column. The first sentence of one column has words alone.
 */
export function conllReader({ words, tags, columns }: ConllColumns): LineReader<Row> {
  let width = columns?.length
  let sentence: { line: number; fields: string[][]; problem?: { line: number; problem: string } } | undefined

  function* end(): Generator<Row> {
    const ended = sentence
    sentence = undefined
    if (!ended) return
    if (ended.problem) yield ended.problem
    else yield { line: ended.line, values: named(ended.fields), wordLines: true }
  }

  const named = (fields: string[][]): Record<string, string[]> => {
    const all = (i: number) => fields.map((line) => line[i]!)
    if (columns) return Object.fromEntries(columns.map((name, i) => [name, all(i)]))
    return width === 1 ? { [words]: all(0) } : { [words]: all(0), [tags]: all(width! - 1) }
  }

  return {
    *take({ number, text }) {
      if (text !== undefined && text.trim() === '') return yield* end()
      const fields = text === undefined ? [] : fieldsOf(text)
      if (fields[0] === DOCUMENT) return yield* end()
      sentence ??= { line: number, fields: [] }
      const problem = text === undefined ? NOT_UTF8 : lineProblem(fields, width, columns !== undefined)
      if (problem !== undefined) sentence.problem ??= { line: number, problem }
      else if (sentence.fields.length === MOST_WORDS) sentence.problem ??= { line: sentence.line, problem: TOO_LONG }
      if (sentence.problem) return
      width ??= fields.length
      sentence.fields.push(fields)
    },
    end,
  }
}

const TOO_LONG = `the sentence has more than ${MOST_WORDS.toLocaleString('en')} words; a blank line ends a sentence.`

const fieldsOf = (text: string): string[] => {
  const line = text.replace(/[ \t]+$/, '')
  return line.includes('\t') ? line.split('\t').map((field) => field.trim()) : line.trimStart().split(/ +/)
}

function lineProblem(fields: string[], width: number | undefined, isNamed: boolean): string | undefined {
  const empty = fields.indexOf('')
  if (empty !== -1) return `column ${empty + 1} of the line is empty.`
  if (width === undefined || fields.length === width) return undefined
  const has = fields.length === 1 ? '1 column' : `${fields.length} columns`
  return `the line has ${has}; ${isNamed ? 'task.columns names' : 'the first line has'} ${width}.`
}
