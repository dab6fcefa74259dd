import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type ParsedNode,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml'

import { aliasErrors } from './alias.js'

/** Whether any text may stand at a path of a file or of a value, so that it is taken as it is written. */
export type IsText = (path: readonly PropertyKey[]) => boolean

export const noText: IsText = () => false

/**
 * Parses YAML, with keys, and values where `isText` says so, as they are written: `True`, `1.0` and `01` match the cell of
 * a table that is written so, and are not YAML's boolean and numbers. A value that is null stays null.
 */
export function parseYaml(text: string, isText: IsText, lineCounter?: LineCounter): Document {
  const options = { prettyErrors: false, uniqueKeys: sameKey, ...(lineCounter && { lineCounter }) }
  const document = parseDocument(text, options) as Document
  if (document.errors.length === 0) document.errors.push(...aliasErrors(document))
  if (document.errors.length > 0) return document
  inlineScalars(document)
  takeAsWritten(document.contents, [], isText)
  return document
}

/** What a document without errors says; what its aliases may stand for is checked by then. */
export const plainValue = (document: Document): unknown => document.toJS({ maxAliasCount: -1 })

/** `1` and `01` are two keys, `1` and `'1'` are one. */
const sameKey = (a: ParsedNode, b: ParsedNode): boolean =>
  a === b || (isScalar(a) && isScalar(b) && writtenText(a) === writtenText(b))

/** An alias of a scalar becomes one of its own: it may be text where the other is a number. */
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
