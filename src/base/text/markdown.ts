import { printable } from './printable.js'

const oneLine = (text: string) => printable(text.replace(/\s+/g, ' ').trim())

/**
 * Escapes foreign text for a line of Markdown: characters with a meaning in Markdown and HTML are shown, and a line end
 * becomes a space.
 */
export const escapeMarkdown = (text: string): string =>
  oneLine(text).replace(/[\\`*_{}[\]<>|~#&]/g, (mark) => (mark === '&' ? '&amp;' : `\\${mark}`))

/**
 * Returns foreign text as code within a line: in more backticks than it contains itself (CommonMark 6.1). Not for
 * tables, where | ends a cell.
 */
export function codeSpan(text: string): string {
  const code = oneLine(text)
  const longest = Math.max(0, ...(code.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const space = longest > 0 || code === '' ? ' ' : ''
  return `${fence}${space}${code}${space}${fence}`
}

/** Returns a table of cells that are Markdown; `right` says which columns align right. */
export function markdownTable(head: string[], rows: string[][], right: readonly boolean[] = []): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const rule = `|${head.map((_, column) => (right[column] ? '---:' : '---')).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
