import { isUtf8 } from 'node:buffer'
import { UserError } from '../../base/error.js'
import { readBytes } from '../../base/files/read.js'
import { parseExactly } from './exact_json.js'
import { checkBeginning, readError } from './lines.js'
import type { Row } from './table.js'

/**
 * Returns the rows of one JSON document: a list of rows, or an object that numbers them. `line` is the number of the
 * entry, from 1. Undefined where the file is JSON lines.
 * @throws UserError if the file can't be read, is not text or not JSON, or holds no rows.
 */
export function documentRows(file: string): Row[] | undefined {
  const document = documentOf(file, textOf(file))
  if (document === undefined) return undefined
  return Object.values(document).map((values, i) =>
    isObject(values) ? { line: i + 1, values } : { line: i + 1, problem: 'the entry is not a JSON object.' },
  )
}

function textOf(file: string): string {
  try {
    const bytes = readBytes(file, { named: true })
    checkBeginning(file, bytes)
    if (!isUtf8(bytes))
      throw new UserError({ at: file, problem: 'the text is not UTF-8.', remedy: 'Save it as UTF-8.' })
    return bytes.toString('utf8').replace(/^\ufeff/, '')
  } catch (error) {
    if (error instanceof UserError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ERR_STRING_TOO_LONG' && code !== 'ERR_FS_FILE_TOO_LARGE') throw readError(file, error)
    const problem = 'is too large for one JSON document: at most 512 MiB are read.'
    throw new UserError({ at: file, problem, remedy: 'Write JSON lines, one object a line, as .jsonl.' })
  }
}

function documentOf(file: string, text: string): unknown[] | Record<string, unknown> | undefined {
  let document: unknown
  try {
    document = parseExactly(text)
  } catch (error) {
    if (isLine(text.slice(0, text.search(/[\r\n]|$/)))) return undefined
    const problem = `is not one JSON document: ${(error as Error).message}.`
    throw new UserError({ at: file, problem }, { cause: error })
  }
  if (Array.isArray(document)) return document
  if (!isObject(document)) throw noRows(file, 'holds no rows.')
  const entries = Object.entries(document)
  if (entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key))) return document
  const [list] = entries.find(([, value]) => Array.isArray(value) && value.some(isObject)) ?? []
  if (list !== undefined) throw noRows(file, `holds its rows in a list within an object, '${list}'.`)
  if (entries.length === 0 || !entries.every(([, value]) => isObject(value))) return undefined // a single line
  throw noRows(file, 'holds columns of values, as pandas writes them by default.')
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isLine(text: string): boolean {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}

const noRows = (file: string, problem: string) =>
  new UserError({
    at: file,
    problem,
    remedy: "A .json file is a list of objects, or JSON lines: pandas' to_json(…, orient='records', lines=True).",
  })
