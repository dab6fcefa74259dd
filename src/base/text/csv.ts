/** Text that a spreadsheet takes for a formula, which can read files and send them away (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Returns a line of RFC 4180, without its end. */
export const csvLine = (values: readonly unknown[]): string => values.map(csvField).join(',')

/**
 * Returns a line of tab-separated values, without its end. The format has no quoting, so tabs and line breaks in a
 * value become spaces.
 */
export const tsvLine = (values: readonly unknown[]): string =>
  values.map((value) => plain(value).replace(/[\t\r\n]+/g, ' ')).join('\t')

/** Returns a value as a field of CSV, in quotes where needed. */
export function csvField(value: unknown): string {
  const text = plain(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * Returns a value as text that people open in a spreadsheet, objects as JSON. Text that begins a formula gets an
 * apostrophe in front, so that the spreadsheet reads it as text; numbers are unchanged, also those that are written as
 * text.
 */
function plain(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '')
  return typeof value === 'string' && FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
}
