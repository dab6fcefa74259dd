import { html, Markup, withoutControls } from './html.js'

/**
 * A drawing with what it shows in words: a title for its name, a description for who cannot see it, a legend and a caption for all.
 * `id` is the page's own and needs no escaping.
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

/** What Vega writes begins with `<svg …>`; its width and height would keep it from shrinking with the page. */
function splitOpenTag(drawing: string): [start: string, rest: string] {
  const end = drawing.indexOf('>') + 1
  const attributes = drawing
    .slice('<svg '.length, end)
    .replace(/ ?\b(width|height|version|class|xmlns:xlink)="[^"]*"/g, '')
  return [attributes.trimStart(), drawing.slice(end)]
}

/**
 * A name breaks after its folder, benchmark or word, so that its column is narrow, and in the midst of what is longer
 * than any word: the browser makes a whole print smaller that is too wide.
 */
export const breakable = (name: string): Markup[] =>
  name.split(/(?<=[/_])|(?<=(?<!\S)(?:\S{24})+)(?=\S)/u).map((part, i) => html`${i > 0 && html`<wbr>`}${part}`)

/** A number with a bar above it, as long as its share of the greatest of its column. */
export class Bar {
  readonly text: string
  readonly share: number

  constructor(text: string, share: number) {
    this.text = text
    this.share = share
  }
}

/** A table that scrolls in its own box where it is wider than the page. */
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
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((text, column) => html`<th scope="col"${numeric.has(column) ? html` class="number"` : ''}>${inner(text)}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>
`
}
