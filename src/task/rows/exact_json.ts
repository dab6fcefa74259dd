/** Numbers, and what Python writes for those that JSON does not have. */
const NUMBER = /NaN|-?Infinity|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * Parses JSON and keeps numbers as written: one that JavaScript would write differently (1.0, 2.50, 1e3, integers
 * beyond 2⁵³) becomes its text. `NaN`, Python's mark of a missing number, becomes null, and `Infinity` becomes text.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  const value = parsed(text)
  const exact = outsideStrings(text, asWritten)
  return exact === text ? value : JSON.parse(exact)
}

function asWritten(number: string): string {
  if (number === 'NaN') return 'null'
  return String(Number(number)) === number && !isPythons(number) ? number : `"${number}"`
}

/** Parses the text before its numbers become text, since that could make invalid JSON valid, as in `{1.0: 2}`. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const json = outsideStrings(text, (number) => (isPythons(number) ? 'null' : number))
    if (json === text) throw error
    return JSON.parse(json)
  }
}

const isPythons = (number: string) => number === 'NaN' || number.endsWith('Infinity')

/**
 * Returns the text with its numbers replaced. Strings are skipped without a regular expression: on one of megabytes it
 * would overflow the stack.
 */
function outsideStrings(text: string, replace: (number: string) => string): string {
  let result = ''
  let copied = 0
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at)
    const end = quote === -1 ? text.length : quote
    if (mayHoldNumber(text, at, end)) {
      const outside = text.slice(at, end)
      const replaced = outside.replace(NUMBER, replace)
      if (replaced !== outside) {
        result += text.slice(copied, at) + replaced
        copied = end
      }
    }
    at = quote === -1 ? end : endOfString(text, quote)
  }
  return copied === 0 ? text : result + text.slice(copied)
}

/** Whether there is a digit in text[start, end), or the first letter of `NaN` or `Infinity`. */
function mayHoldNumber(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at)
    if ((unit >= 0x30 && unit <= 0x39) || unit === 0x4e || unit === 0x49) return true
  }
  return false
}

/**
 * Returns the place after the closing quote of the string that begins at `start`: that quote has an even number of
 * backslashes before it.
 */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  return text.length
}
