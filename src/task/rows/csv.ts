import { type Line, LONGEST_LINE } from './lines.js'

/** One record of a table: its fields, or what is wrong with it. */
export type Fields = { line: number; fields: string[] } | { line: number; problem: string }

/** Builds records from lines as they arrive; `end` returns what the last lines left open. */
export interface LineReader<T> {
  take(line: Line): Iterable<T>
  end(): Iterable<T>
}

export function* readAll<T>(lines: Iterable<Line>, reader: LineReader<T>): Generator<T> {
  for (const line of lines) yield* reader.take(line)
  yield* reader.end()
}

export const NOT_UTF8 = 'the line is not valid UTF-8.'

/**
 * Reads tab-separated values. They have no quoting (IANA's definition): a quote is a character like any other. Empty
 * lines are left out.
 */
export const tsvRecords = (lines: Iterable<Line>): Generator<Fields> => readAll(lines, tsvReader())
export const tsvReader = (): LineReader<Fields> => ({
  *take({ number, text }) {
    if (text === undefined) yield { line: number, problem: NOT_UTF8 }
    else if (text !== '') yield { line: number, fields: text.split('\t') }
  },
  *end() {},
})

const STRAY_QUOTE = 'there is a quote inside a value. Write a quote as "", and put quotes around the whole value.'
const unclosed = (before = '') => `a quote opens a value here and nothing closes it${before}.`

/**
 * Reads comma-separated values as in RFC 4180: a field with a comma, a quote or a line break is in quotes, and a quote
 * in it is doubled. `line` is the record's first. Empty lines are left out. If a quote turns out to be stray, its line
 * is bad and the lines after it are read again, so that it does not swallow them.
 */
export function csvReader(): LineReader<Fields> {
  /** The lines of a record whose quoted field is still open. */
  let open: { lines: Line[]; length: number } | undefined

  function* take(line: Line): Generator<Fields> {
    const { number, text } = line
    if (text === undefined) {
      yield { line: number, problem: NOT_UTF8 }
      open = undefined
    } else if (open) {
      open.lines.push(line)
      open.length += text.length + 1
      yield* close(open, text)
    } else if (text !== '') {
      const record = splitRecord(text)
      if (record) yield { line: number, ...record }
      else open = { lines: [line], length: text.length }
    }
  }

  function* close({ lines, length }: { lines: Line[]; length: number }, text: string): Generator<Fields> {
    if (length > LONGEST_LINE) return yield* giveUp(unclosed())
    // Only an odd number of quotes can close the field, so long fields are not split again at each of their lines.
    if (text.split('"').length % 2 === 1) return
    const record = splitRecord(lines.map((line) => line.text).join('\n'))
    if (!record) return
    if ('problem' in record) {
      return yield* giveUp(unclosed(` before the quote in line ${lines.at(-1)!.number}`))
    }
    open = undefined
    yield { line: lines[0]!.number, ...record }
  }

  function* giveUp(problem: string): Generator<Fields> {
    const [first, ...others] = open!.lines
    open = undefined
    yield { line: first!.number, problem }
    for (const line of others) yield* take(line)
  }

  return {
    take,
    *end(): Generator<Fields> {
      while (open) yield* giveUp(unclosed())
    },
  }
}

/** Splits a record into fields; undefined while a quoted field is still open at the end of the text. */
function splitRecord(text: string): { fields: string[] } | { problem: string } | undefined {
  const fields: string[] = []
  for (let at = 0; ; at++) {
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1)
      if (close === -1) return undefined
      fields.push(text.slice(at + 1, close).replaceAll('""', '"'))
      at = close + 1
      if (at < text.length && text[at] !== ',') return { problem: STRAY_QUOTE }
    } else {
      const comma = text.indexOf(',', at)
      const end = comma === -1 ? text.length : comma
      const field = text.slice(at, end)
      if (field.includes('"')) return { problem: STRAY_QUOTE }
      fields.push(field)
      at = end
    }
    if (at >= text.length) return { fields }
  }
}

function closingQuote(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote !== -1; quote = text.indexOf('"', quote + 2)) {
    if (text[quote + 1] !== '"') return quote
  }
  return -1
}
