import { html, Markup, withoutControls } from './html.js'

/**
 * Returns a drawing with its content in words: the title is its name, the description is for readers who cannot see it,
 * and legend and caption are for all. `id` comes from the page itself and needs no escaping.
 */
export function figure(
  id: string,
  drawing: string,
  {
    title,
    description,
    caption,
    legend,
  }: { title: string; description: string; caption?: string | undefined; legend?: Markup | undefined },
): Markup {
  const open = html`<svg role="img" aria-labelledby="${id}-title ${id}-description" `
  const words = html`<title id="${id}-title">${title}</title><desc id="${id}-description">${description}</desc>`
  const [start, rest] = splitOpenTag(withoutControls(drawing))
  const svg = new Markup(`${open.text}${start}${words.text}${rest}`)
  return html`<figure>
<h3>${title}</h3>
${svg}
${legend}${caption && html`<figcaption>${caption}</figcaption>`}
</figure>
`
}

/** Splits a drawing after Vega's `<svg …>`, whose width and height would keep it from shrinking with the page. */
function splitOpenTag(drawing: string): [start: string, rest: string] {
  const end = drawing.indexOf('>') + 1
  const attributes = drawing
    .slice('<svg '.length, end)
    .replace(/ ?\b(width|height|version|class|xmlns:xlink)="[^"]*"/g, '')
  return [attributes.trimStart(), drawing.slice(end)]
}

/**
 * Lets a name break after its folder, benchmark or word, so that its column is narrow, and inside parts that are longer
 * than any word: a browser prints a whole page smaller if it is too wide.
 */
export const breakable = (name: string): Markup[] =>
  name.split(/(?<=[/_])|(?<=(?<!\S)(?:\S{24})+)(?=\S)/u).map((part, i) => html`${i > 0 && html`<wbr>`}${part}`)

/** A number with a bar above it, as long as the number's share of the greatest in its column. */
export class Bar {
  readonly text: string
  readonly share: number

  constructor(text: string, share: number) {
    this.text = text
    this.share = share
  }
}

/** Returns a table that scrolls in its own box where it is wider than the page. */
export function table(
  caption: string,
  head: readonly (string | Markup)[],
  rows: readonly (readonly (string | Markup | Bar)[])[],
  { numeric = new Set<number>() } = {},
): Markup {
  const inner = (text: string | Markup) => (typeof text === 'string' ? breakable(text) : text)
  const cell = (text: string | Markup | Bar, column: number) => {
    const kind = numeric.has(column) ? html` class="number"` : ''
    if (text instanceof Bar)
      return html`<td class="number bar" style="--share:${(100 * text.share).toFixed(1)}%">${text.text}</td>`
    return column === 0 ? html`<th scope="row">${inner(text)}</th>` : html`<td${kind}>${inner(text)}</td>`
  }
  const heading = (text: string | Markup, column: number) =>
    html`<th scope="col"${numeric.has(column) ? html` class="number"` : ''}>${inner(text)}</th>`
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map(heading)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>
`
}
