/** A span of a text by its words. */
export interface Span {
  text: string
  /** Its first word, counted from 0; words are separated by white space. */
  word: number
  mark: string
}

/**
 * The text with each span between marks: `* Mark * told Pete that # he #'d won`. A span counts as found where its words
 * stand, whatever their case, white space or last full stop: in some rows the span's text differs from the text in
 * these. Where the number of the word is off, the nearest place counts; a span that is nowhere (two rows of the
 * training set name subjects with words between them) stays without marks.
 */
export function markSpans(text: string, spans: Span[]): string {
  const inserts = spans.flatMap((span) => {
    const place = placeOf(text, span)
    return place
      ? [
          { at: place.start, mark: `${span.mark} ` },
          { at: place.end, mark: ` ${span.mark}` },
        ]
      : []
  })
  inserts.sort((a, b) => b.at - a.at) // from the end, so that the places before stay where they are
  return inserts.reduce((marked, { at, mark }) => marked.slice(0, at) + mark + marked.slice(at), text)
}

function placeOf(text: string, span: Span): { start: number; end: number } | undefined {
  const wanted = [...text.matchAll(/\S+/g)][span.word]?.index ?? 0
  const words = span.text.trim().replace(/\.+$/, '').split(/\s+/).map(escaped)
  const found = [...text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${words.join('\\s+')}(?![\\p{L}\\p{N}])`, 'giu'))]
  const [nearest] = found.sort((a, b) => Math.abs(a.index - wanted) - Math.abs(b.index - wanted))
  return nearest && { start: nearest.index, end: nearest.index + nearest[0].length }
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
