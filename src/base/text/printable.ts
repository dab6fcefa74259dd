import { hideSecrets } from '../secrets.js'

/**
 * Control characters except tab and line ends; `\r` counts as one where the line continues after it. C1 counts too:
 * terminals take U+009B for ESC [.
 */
const CONTROLS = /\r(?!\n|$)|(?![\t\n\r])\p{Cc}/gu

/**
 * Returns the text with each control character as its JSON escape: ESC becomes `\u001b`. So names, rows and messages
 * from other people can be read on a terminal but can't control it, and JSON keeps its meaning.
 */
export const withoutControls = (text: string): string =>
  text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Returns text that is safe to print: without the user's secrets, and without control characters. */
export const printable = (text: string): string => withoutControls(hideSecrets(text))

/** Writes a line of text from any source to standard error. */
export const errorLine = (text: string): void => void process.stderr.write(`${printable(text)}\n`)
