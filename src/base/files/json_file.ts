import { statSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { UserError } from '../error.js'
import { refusePointer } from './lfs_pointer.js'
import { readText as wholeText } from './read.js'

/** A file is cut short, or its content is not what its name says. The files next to it may be whole. */
export class DamagedFile extends UserError {}

export interface JsonFileOptions {
  /** What to do about a file that is damaged. */
  remedy?: string
  /** The most bytes that are read. */
  limit?: number
}

/**
 * Our largest file, cells.json of 10,000 cells, has some 20 MB; empty lists take twenty times the memory of their text.
 */
const LIMIT = 32 * 2 ** 20
/** Only a file of at most this many characters is parsed a second time, to find the line of the fault. */
const LOCATED = 2 ** 20
/**
 * Our files nest lists some ten deep. Whatever walks a value, and the parser that locates faults, recurses as deep as
 * the value.
 */
const DEEPEST = 100

/**
 * Reads a JSON file and checks it.
 * @throws DamagedFile with `file:line:column` where it is not JSON or does not match the schema; UserError where it is
 *   missing, cannot be read or is larger than `limit`.
 */
export function readJsonFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  { remedy, limit = LIMIT }: JsonFileOptions = {},
): z.infer<Schema> {
  const text = textOf(file, limit)
  const checked = schema.safeParse(parseJson(text, file, remedy))
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  const problem = `is damaged: ${issue!.path.join('.') || 'the whole'}: ${issue!.message.replace(/\.?$/, '.')}`
  throw damaged(placeOfValue(file, text, issue!.path), problem, remedy)
}

/** Reads a JSON file without checking its content. @throws as `readJsonFile`. */
export const readJson = (file: string, { remedy, limit = LIMIT }: JsonFileOptions = {}): unknown =>
  parseJson(textOf(file, limit), file, remedy)

/** Parses one line of a file; `at` is its `file:line`. @throws DamagedFile */
export function parseJsonLine(line: string, at: string, remedy?: string): unknown {
  return parsed(line, remedy, (column) => (column === undefined ? at : `${at}:${column + 1}`))
}

function parseJson(text: string, file: string, remedy: string | undefined): unknown {
  return parsed(text, remedy, (offset) => (offset === undefined ? file : `${file}:${lineAndColumn(text, offset)}`))
}

function parsed(text: string, remedy: string | undefined, place: (offset: number | undefined) => string): unknown {
  if (isDeep(text)) throw damaged(place(undefined), `is damaged: it nests deeper than ${DEEPEST}.`, remedy)
  try {
    return JSON.parse(text)
  } catch (error) {
    const { message } = error as Error
    if (text.trim() === '') throw damaged(place(undefined), 'is damaged: there is nothing in it.', remedy, error)
    const offset = offsetIn(message, text)
    const why = offset !== undefined && offset >= text.trimEnd().length ? 'it is cut short' : reason(message)
    throw damaged(place(offset), `is damaged: ${why}.`, remedy, error)
  }
}

const damaged = (at: string, problem: string, remedy: string | undefined, cause?: unknown) =>
  new DamagedFile({ at, problem, ...(remedy && { remedy }) }, { cause })

function textOf(file: string, limit: number): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) throw new UserError({ at: file, problem: stat ? 'is not a file.' : 'no such file.' })
  if (stat.size > limit) {
    const problem = `has ${stat.size} bytes; at most ${limit} are read.`
    throw new UserError({ at: file, problem, remedy: 'Do not trust it.' })
  }
  const text = readText(file)
  refusePointer(file, text)
  return text.replace(/^\ufeff/, '')
}

function readText(file: string): string {
  try {
    return wholeText(file)
  } catch (error) {
    if (error instanceof UserError) throw error
    const problem = `cannot be read (${(error as NodeJS.ErrnoException).code}).`
    throw new UserError({ at: file, problem }, { cause: error })
  }
}

/** V8's own words, without its quotation of the text and its position, which differ from version to version. */
const reason = (message: string) =>
  message.replace(/( in JSON)? at position .*$/s, '').replace(/^(Unexpected token .*?'),.*$/s, '$1')

/** Returns the place where the text stops being JSON. V8 names it for most faults; YAML's parser finds the others. */
function offsetIn(message: string, text: string): number | undefined {
  const told = /at position (\d+)/.exec(message)
  if (told) return Number(told[1])
  if (message.startsWith('Unexpected end')) return text.length
  return documentOf(text)?.document.errors[0]?.pos[0]
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n')
  return `${before.length}:${before.at(-1)!.length + 1}`
}

/** Returns the place of the value at `path`, or of the deepest part of the path that exists. */
function placeOfValue(file: string, text: string, path: readonly PropertyKey[]): string {
  const found = documentOf(text)
  if (!found) return file
  for (let depth = path.length; depth > 0; depth--) {
    const node = found.document.getIn(path.slice(0, depth), true) as { range?: [number, ...unknown[]] } | undefined
    if (!node?.range) continue
    const { line, col } = found.lines.linePos(node.range[0])
    return `${file}:${line}:${col}`
  }
  return file
}

/** Parses the text as YAML, of which JSON is a part: YAML's parser knows the place of every value. */
function documentOf(text: string) {
  if (text.length > LOCATED) return undefined
  const lines = new LineCounter()
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, schema: 'json' } as const
  return { document: parseDocument(text, options), lines }
}

/** Whether lists and objects of a JSON text, which need not be whole, nest deeper than `DEEPEST`. */
function isDeep(text: string): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfString(text, i)
    else if (code === BRACKET || code === BRACE) {
      if (++depth > DEEPEST) return true
    } else if (code === BRACKET + 2 || code === BRACE + 2) depth--
  }
  return false
}

const [QUOTE, BACKSLASH, BRACKET, BRACE] = [0x22, 0x5c, 0x5b, 0x7b]

/** Returns the place of the closing quote of the string that begins at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i
    if (code === BACKSLASH) i++
  }
  return text.length
}
