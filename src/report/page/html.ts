/** Text that is markup already; all other text is escaped when it is put into markup. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Inner = Markup | string | number | undefined | false | readonly Inner[]

/** A template whose values are escaped unless they are Markup; the items of lists are joined. */
export function html(strings: TemplateStringsArray, ...values: Inner[]): Markup {
  return new Markup(strings.map((text, i) => (i === 0 ? text : `${written(values[i - 1]!)}${text}`)).join(''))
}

function written(value: Inner): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(written).join('')
  return escapeHtml(String(value))
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/**
 * Escapes text for content and quoted attributes. Control characters, which HTML forbids, become the replacement
 * character.
 */
export const escapeHtml = (text: string): string => withoutControls(text.replace(/[&<>"']/g, (mark) => ENTITIES[mark]!))

/** Cleans markup of another writer, who escapes text but keeps characters that HTML forbids or that turn directions. */
export const withoutControls = (markup: string): string => markup.replace(CONTROLS, '\ufffd')

/**
 * Control characters except tab and line feed; halves of surrogate pairs; and the marks that turn the direction of the
 * text after them.
 */
const CONTROLS = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\u202a-\u202e\u2066-\u2069]/gu
