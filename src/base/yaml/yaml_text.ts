import { Document, visit } from 'yaml'
import { withoutControls } from '../text/printable.js'

/** What the library writes so that it reads something else: white space alone, a byte-order mark at the start. */
const MISREAD = /^\s+$|^\ufeff/

/**
 * A value as YAML that means the same wherever it is read, and cannot steer a terminal. The library puts text with control
 * characters in double quotes, where YAML has JSON's escapes, but leaves some raw (DEL and C1), which other readers refuse.
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
