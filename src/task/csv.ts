import { type Line, LONGEST_LINE } from './lines.js'

/** One record of a table: its fields, or what is wrong with it. */
export type Fields = { line: number; fields: string[] } | { line: number; problem: string }

export const NOT_UTF8 = 'the line is not valid UTF-8.'

/**
 * Tab-separated values have no quoting (IANA's definition): a quote is a character like any other.
 * Empty lines are left out.
 */
export function* tsvRecords(lines: Iterable<Line>): Generator<Fields> {
  for (const { number, text } of lines) {
    if (text === undefined) yield { line: number, problem: NOT_UTF8 }
    else if (text !== '') yield { line: number, fields: text.split('\t') }
  }
}

/**
 * Comma-separated values as RFC 4180 has them: a field with a comma, a quote or a line break stands in quotes, and a
 * quote in it is doubled. `line` is the record's first. Empty lines are left out; reading goes on after a bad record.
 */
export function* csvRecords(lines: Iterable<Line>): Generator<Fields> {
  let open: { line: number; parts: string[]; length: number } | undefined
  for (const { number, text } of lines) {
    if (text === undefined) {
      yield { line: number, problem: NOT_UTF8 }
      open = undefined
    } else if (open === undefined) {
      if (text === '') continue
      const fields = splitRecord(text)
      if (fields === undefined) open = { line: number, parts: [text], length: text.length }
      else yield { line: number, ...fields }
    } else {
      open.parts.push(text)
      open.length += text.length + 1
      if (open.length > LONGEST_LINE) break
      // Only an odd number of quotes can close the field, so long fields are not split anew at each of their lines.
      if (text.split('"').length % 2 === 1) continue
      const fields = splitRecord(open.parts.join('\n'))
      if (fields === undefined) continue
      yield { line: open.line, ...fields }
      open = undefined
    }
  }
  if (open) yield { line: open.line, problem: 'a quote opens a value here and nothing closes it.' }
}

const STRAY_QUOTE = 'there is a quote inside a value. Write a quote as "", and put quotes around the whole value.'

/** Undefined while a quoted field is still open at the end of the text. */
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
