import { printable } from './printable.js'

const oneLine = (text: string) => printable(text.replace(/\s+/g, ' ').trim())

/** Text of others in a line of Markdown: marks of Markdown and HTML are shown, not obeyed, and a line end is a space. */
export const escapeMarkdown = (text: string): string =>
  oneLine(text).replace(/[\\`*_{}[\]<>|~#&]/g, (mark) => (mark === '&' ? '&amp;' : `\\${mark}`))

/** Text of others as code within a line: in more backticks than it holds itself (CommonMark 6.1). Not for tables, where | ends it. */
export function codeSpan(text: string): string {
  const code = oneLine(text)
  const longest = Math.max(0, ...(code.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const space = longest > 0 || code === '' ? ' ' : ''
  return `${fence}${space}${code}${space}${fence}`
}
