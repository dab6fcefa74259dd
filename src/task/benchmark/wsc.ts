/** A part of a text, given by its words. */
export interface Span {
  text: string
  /** The index of its first word, from 0; words are separated by white space. */
  word: number
  mark: string
}

/**
 * Returns the text with marks around each span: `* Mark * told Pete that # he #'d won`. A span is found where its words
 * occur, ignoring case, white space and a last full stop: in some rows the span differs in these from the text. If the
 * word's number is wrong, the nearest place is marked. A span that does not occur (two rows of the training set name
 * subjects with words between them) is not marked.
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
  inserts.sort((a, b) => b.at - a.at) // from the end, so that earlier places stay valid
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
