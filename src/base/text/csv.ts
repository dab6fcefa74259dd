/** Text that a spreadsheet takes for a formula, which can read files and send them away (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** A line of RFC 4180, without its end. */
export const csvLine = (values: readonly unknown[]): string => values.map(csvField).join(',')

/** A line of tab-separated values, without its end. There is no quoting: tabs and line breaks in a value become spaces. */
export const tsvLine = (values: readonly unknown[]): string =>
  values.map((value) => plain(value).replace(/[\t\r\n]+/g, ' ')).join('\t')

/** Returns a value as a field of CSV: in quotes where it must be. */
export function csvField(value: unknown): string {
  const text = plain(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * A value as text that people open in a spreadsheet, objects as JSON. Text that begins a formula gets an apostrophe in
 * front, with which it is text there too; numbers stay, also those that are written as text.
 */
function plain(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '')
  return typeof value === 'string' && FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
}
