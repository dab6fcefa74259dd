import { hideSecrets } from '../secrets.js'

/** Control characters but tab and line ends; `\r` is one where more of the line follows. C1 counts too: terminals take U+009B for ESC [. */
const CONTROLS = /\r(?!\n|$)|(?![\t\n\r])\p{Cc}/gu

/**
 * Returns the text with each control character as its JSON escape: ESC becomes `\u001b`. So names, rows and messages of
 * others can be read on a terminal and can't steer it, and JSON keeps its meaning.
 */
export const withoutControls = (text: string): string =>
  text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** What people read: without secrets of theirs, and without control characters. */
export const printable = (text: string): string => withoutControls(hideSecrets(text))

/** Writes a line of text, whoever it is from, to standard error. */
export const errorLine = (text: string): void => void process.stderr.write(`${printable(text)}\n`)
