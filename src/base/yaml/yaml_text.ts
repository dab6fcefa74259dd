import { Document, visit } from 'yaml'
import { withoutControls } from '../text/printable.js'

/**
 * Text that the library writes in a form that it reads back differently: only white space, or with a byte-order mark at
 * the start.
 */
const MISREAD = /^\s+$|^\ufeff/

/**
 * Returns a value as YAML that means the same to every reader and cannot control a terminal. The library puts text with
 * control characters in double quotes, where YAML has JSON's escapes, but leaves some of them raw (DEL and C1), which
 * other readers refuse.
 */
export function yamlText(value: unknown): string {
  const document = new Document(value)
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && MISREAD.test(node.value)) node.type = 'QUOTE_DOUBLE'
    },
  })
  return withoutControls(document.toString({ lineWidth: 0 }))
}
