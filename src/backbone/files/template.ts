import { z } from 'zod'
import { assertNever } from '../../base/assert_never.js'

/** A part of a row: one of its texts, or a token that is put there. */
type Piece = { text: 0 | 1; segment: number } | { id: number; segment: number }

/** How one text, and a pair of them, becomes a row of ids: `[CLS] A [SEP] B [SEP]`. */
export interface Template {
  single: Piece[]
  pair: Piece[]
}

/** A row as an encoder reads it. */
export interface TemplateRow {
  ids: Int32Array
  /** Ids of the row's beginning that are in segment 0; those after them are in segment 1. */
  first: number
  /** Ids of the row before it was cut. */
  whole: number
  /** Where the ids of the first text begin, and where those that are kept of it end. */
  text: { start: number; end: number }
}

const named = z.tuple([z.string(), z.int().min(0)])
const part = z.union([
  z.strictObject({ Sequence: z.strictObject({ id: z.enum(['A', 'B']), type_id: z.int() }) }),
  z.strictObject({ SpecialToken: z.strictObject({ id: z.string(), type_id: z.int() }) }),
])
const processor = z.discriminatedUnion('type', [
  z.object({ type: z.literal('BertProcessing'), sep: named, cls: named }),
  z.object({ type: z.literal('RobertaProcessing'), sep: named, cls: named }),
  z.object({
    type: z.literal('TemplateProcessing'),
    single: z.array(part).max(16),
    pair: z.array(part).max(16),
    special_tokens: z.record(z.string(), z.object({ ids: z.array(z.int().min(0)).max(16) })),
  }),
  z.object({ type: z.literal('ByteLevel') }), // moves offsets only
])

/** What a tokenizer.json says of special tokens: its `post_processor`. */
export const postProcessor = z
  .discriminatedUnion('type', [
    processor,
    z.object({ type: z.literal('Sequence'), processors: z.array(processor).max(8) }),
  ])
  .nullish()

/** Returns the template of a post-processor; undefined where it adds no token, or rows can't be made of it. */
export function templateOf(found: z.infer<typeof postProcessor>): Template | undefined {
  const parts = found?.type === 'Sequence' ? found.processors : [found]
  const adding = parts.flatMap((one) => (one && one.type !== 'ByteLevel' ? [one] : []))
  const template = adding.length === 1 ? templateBy(adding[0]!) : undefined
  return template && isUsable(template) ? template : undefined
}

function templateBy(adding: Exclude<z.infer<typeof processor>, { type: 'ByteLevel' }>): Template {
  const text = (text: 0 | 1, segment = 0): Piece => ({ text, segment })
  const token = (id: number, segment = 0): Piece => ({ id, segment })
  switch (adding.type) {
    case 'BertProcessing': {
      const [cls, sep] = [adding.cls[1], adding.sep[1]]
      const single = [token(cls), text(0), token(sep)]
      return { single, pair: [...single, text(1, 1), token(sep, 1)] }
    }
    case 'RobertaProcessing': {
      const [cls, sep] = [adding.cls[1], adding.sep[1]]
      const single = [token(cls), text(0), token(sep)]
      return { single, pair: [...single, token(sep), text(1), token(sep)] }
    }
    case 'TemplateProcessing': {
      const pieces = (parts: z.infer<typeof part>[]) =>
        parts.flatMap((one) => {
          if ('Sequence' in one) return [text(one.Sequence.id === 'A' ? 0 : 1, one.Sequence.type_id)]
          const { id, type_id } = one.SpecialToken
          return (adding.special_tokens[id]?.ids ?? []).map((token_id) => token(token_id, type_id))
        })
      return { single: pieces(adding.single), pair: pieces(adding.pair) }
    }
    default:
      return assertNever(adding, 'post-processor')
  }
}

/** The id that ends a row of one text. */
export function endOf({ single }: Template): number | undefined {
  const last = single.at(-1)
  return last && 'id' in last ? last.id : undefined
}

/** Whether rows can be made of it: each text once, in segment 0 first and then in 1. */
const isUsable = ({ single, pair }: Template): boolean =>
  [single, pair].every((pieces, i) => {
    const texts = pieces.flatMap((piece) => ('text' in piece ? [piece.text] : []))
    const segments = pieces.map(({ segment }) => segment)
    const ascends = segments.every((segment, k) => segment >= (segments[k - 1] ?? 0) && segment <= 1)
    return texts.join() === (i === 0 ? '0' : '0,1') && ascends
  })

/**
 * Joins the ids of one text or two to a row of at most `limit`: the longer text is cut until both have equally many
 * ids, then both, as the library's `longest_first` does.
 */
export function templateRow({ single, pair }: Template, texts: readonly Int32Array[], limit: number): TemplateRow {
  const pieces = texts.length === 2 ? pair : single
  const added = pieces.filter((piece) => 'id' in piece).length
  const [a, b = 0] = texts.map(({ length }) => length)
  const room = Math.max(0, limit - added)
  const kept = texts.length === 2 ? cutPair(Math.min(a!, limit), Math.min(b, limit), room) : [Math.min(a!, room)]
  const parts = pieces.map((piece) =>
    'id' in piece ? Int32Array.of(piece.id) : texts[piece.text]!.subarray(0, kept[piece.text]),
  )
  const ids = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let [at, first, start] = [0, 0, 0]
  for (const [i, part] of parts.entries()) {
    ids.set(part, at)
    const piece = pieces[i]!
    if ('text' in piece && piece.text === 0) start = at
    at += part.length
    if (piece.segment === 0) first = at
  }
  return { ids, first, whole: a! + b + added, text: { start, end: start + kept[0]! } }
}

/**
 * How many ids of two texts are kept of `limit`. The library stops reading a text at the word that reaches the row's
 * limit, ours at the limit itself: where both texts reach it, an odd id may be of the other one.
 */
function cutPair(a: number, b: number, limit: number): [number, number] {
  if (a + b <= limit) return [a, b]
  const [short, long] = a <= b ? [a, b] : [b, a]
  const room = short > limit ? short : Math.max(short, limit - short)
  const [ofShort, ofLong] =
    short + room > limit ? [Math.floor(limit / 2), limit - Math.floor(limit / 2)] : [short, Math.min(long, room)]
  return a <= b ? [ofShort, ofLong] : [ofLong, ofShort]
}
