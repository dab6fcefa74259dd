/** Text that a spreadsheet takes for a formula, which can read files and send them away (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** A line of RFC 4180, without its end. */
export const csvLine = (values: readonly unknown[]): string => values.map(csvField).join(',')

/**
 * Returns a value as a field of CSV that people open in a spreadsheet: text in quotes where it must be, objects as JSON.
 * Text that begins a formula gets an apostrophe in front, with which it is text there too; numbers stay, also those that
 * are written as text.
 */
export function csvField(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '')
  const plain = typeof value === 'string' && FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
