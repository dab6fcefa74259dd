import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type LineCounter,
  type Node,
  Parser,
  parseDocument,
  type Scalar,
  visit,
  YAMLParseError,
} from 'yaml'
import { aliasErrors } from './alias.js'

/** Whether any text is allowed at a path of a file or of a value, so that it is read as written. */
export type IsText = (path: readonly PropertyKey[]) => boolean

export const noText: IsText = () => false

/**
 * Parses YAML. Keys are read as written, and so are values where `isText` says so: `True`, `1.0` and `01` then match
 * the cell of a table that is written so, instead of becoming YAML's boolean and numbers. A value that is null stays
 * null.
 */
export function parseYaml(text: string, isText: IsText, lineCounter?: LineCounter): Document {
  const options = { prettyErrors: false, uniqueKeys: false, ...(lineCounter && { lineCounter }) }
  const limit = limitError(text)
  const document = parseDocument(limit ? '' : text, options) as Document
  if (limit) {
    document.errors.push(limit)
    for (const { index } of text.slice(0, limit.pos[1]).matchAll(/\n/g)) lineCounter?.addNewLine(index + 1)
  }
  if (document.errors.length === 0) document.errors.push(...keyErrors(document))
  if (document.errors.length === 0) document.errors.push(...aliasErrors(document))
  if (document.errors.length > 0) return document
  inlineScalars(document)
  takeAsWritten(document.contents, [], isText)
  return document
}

/** Returns the value of a document without errors. The size of its aliases has been checked by then. */
export const plainValue = (document: Document): unknown => document.toJS({ maxAliasCount: -1 })

/** A longer text takes seconds to parse, or can't be parsed at all. */
const LONGEST = 2 ** 19
/** The most levels of nested values: the parser calls itself for each, and Node runs out of stack. */
const DEEPEST = 100
/** The most keys in a map: every key with a fault is compared with all others. */
const MOST_KEYS = 5000

function limitError(text: string): YAMLParseError | undefined {
  if (text.length > LONGEST) {
    return tooMuch(0, `it has ${text.length} characters; at most ${LONGEST} are read`)
  }
  const parser = new Parser()
  for (const lexeme of new Lexer().lex(text)) {
    Array.from(parser.next(lexeme))
    if (parser.stack.length > DEEPEST + 2) return tooMuch(parser.offset, `it nests deeper than ${DEEPEST}`)
  }
  return undefined
}

const tooMuch = (at: number, message: string) => new YAMLParseError([at, at + 1], 'RESOURCE_EXHAUSTION', message)

/**
 * Returns errors for keys that occur twice, and for far too many of them. `1` and `01` are two keys, `1` and `'1'` are
 * one.
 */
function keyErrors(document: Document): YAMLParseError[] {
  const errors: YAMLParseError[] = []
  visit(document, {
    Map(_, { items, range }) {
      if (items.length > MOST_KEYS) {
        errors.push(tooMuch(range?.[0] ?? 0, `there are ${items.length} keys; at most ${MOST_KEYS} are read`))
        return visit.BREAK
      }
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        const text = writtenText(key)
        const [start, end] = (key as Node).range ?? [0, 0]
        if (text === '__proto__')
          errors.push(new YAMLParseError([start, end], 'BAD_SCALAR_START', `${text} is not a key`))
        if (seen.has(text)) errors.push(new YAMLParseError([start, end], 'DUPLICATE_KEY', 'Map keys must be unique'))
        seen.add(text)
      }
      return undefined
    },
  })
  return errors
}

/** Replaces each alias of a scalar by its own copy: it may be text where the anchored one is a number. */
function inlineScalars(document: Document): void {
  visit(document, {
    Alias(_, alias) {
      const target = alias.resolve(document)
      if (!isScalar(target)) return
      const copy = target.clone() as Scalar
      delete copy.anchor
      return copy
    },
  })
}

function takeAsWritten(node: unknown, path: readonly PropertyKey[], isText: IsText): void {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue
      key.value = writtenText(key)
      takeAsWritten(value, [...path, String(key.value)], isText)
    }
  } else if (isSeq(node)) {
    for (const [i, item] of node.items.entries()) takeAsWritten(item, [...path, i], isText)
  } else if (isScalar(node) && node.value !== null && isText(path)) node.value = writtenText(node)
}

const writtenText = ({ value, source }: Scalar) => (typeof value === 'string' ? value : (source ?? value))
