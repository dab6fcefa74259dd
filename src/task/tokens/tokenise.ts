import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import { seq2seq } from '../../objective/seq2seq.js'
import type { RowReader, TextRow } from './reader.js'

/** The longest source and target in tokens, including `</s>`; longer ones are cut. */
export interface TokenLimits {
  source: number
  target: number
}

/** Token ids by row, `</s>` last. */
export interface TokenRows {
  source: Int32Array[]
  target: Int32Array[]
}

/** Rows as they are trained on, and how many tokens they had before they were cut. */
export interface CutRows extends TokenRows {
  whole: WholeLengths
}

/** Tokens of each row's text, including `</s>`; −n where the first n were counted and there are more. */
export interface WholeLengths {
  source: number[]
  target: number[]
}

/** Rows that are tokenised at once: enough for the library's threads, and few enough for the memory. */
const BATCH_ROWS = 2048
const BATCH_CHARACTERS = 2 ** 19

/** Reads source and target as token ids, `</s>` last, for a backbone that decodes. Equal targets share their ids. */
export const textReader = (tokenizer: Tokenizer, limits: TokenLimits): RowReader => ({
  objective: seq2seq,
  key: { eos: tokenizer.eosId, ...limits },
  vocabulary: tokenizer.vocabularySize,
  text: (target) => tokenizer.decode(target).trim(),
  async read(rows) {
    const targets = [...new Set(rows.map(({ target }) => target))] // labels are few
    const encode = (texts: string[]) => tokenizer.encode(texts, Number.MAX_SAFE_INTEGER)
    const [source, encoded] = await Promise.all([
      encodeHeads(
        rows.map((row) => row.source),
        encode,
        limits.source,
      ),
      encodeHeads(targets, encode, limits.target),
    ])
    const places = new Map(targets.map((target, i) => [target, i]))
    const each = <T>(of: T[]) => rows.map(({ target }) => of[places.get(target)!]!)
    return {
      source: source.ids.map((ids) => cut(ids, limits.source)),
      target: each(encoded.ids.map((ids) => cut(ids, limits.target))),
      whole: { source: source.whole, target: each(encoded.whole) },
    }
  },
})

/** A token has about 4 characters, so this many times the limit hold all the tokens that are kept. */
const CHARACTERS_A_TOKEN = 64

/**
 * Returns what `encode` does, but of a text far beyond the limit only the head goes to the library, which takes 200
 * bytes per character: each word is tokenised by itself, so words before a blank do not depend on what follows.
 */
export async function encodeHeads(
  texts: string[],
  encode: (texts: string[]) => Promise<Int32Array[]>,
  limit: number,
): Promise<{ ids: Int32Array[]; whole: number[] }> {
  const heads = texts.map((text) => headOf(text, limit * CHARACTERS_A_TOKEN))
  const rows = await encode(heads)
  const whole: number[] = []
  for (const [i, text] of texts.entries()) {
    const isHead = heads[i]!.length < text.length
    const tooShort = isHead && rows[i]!.length <= limit
    if (tooShort) rows[i] = (await encode([text]))[0]!
    whole.push(isHead && !tooShort ? -rows[i]!.length : rows[i]!.length)
  }
  return { ids: rows, whole }
}

/** Cuts to `limit` ids; the last id stays `</s>`. */
function cut(ids: Int32Array, limit: number): Int32Array {
  if (ids.length <= limit) return ids
  const head = ids.slice(0, limit)
  head[limit - 1] = ids.at(-1)!
  return head
}

function headOf(text: string, characters: number): string {
  if (text.length <= characters) return text
  const blank = text.indexOf(' ', characters)
  return blank === -1 ? text : text.slice(0, blank)
}

/**
 * Yields the rows, a batch at a time; the library tokenises one on its own threads while the next one's rows are read.
 */
export async function* tokeniseAll(
  examples: AsyncIterable<TextRow> | Iterable<TextRow>,
  reader: RowReader,
): AsyncGenerator<CutRows> {
  let running: Promise<CutRows> | undefined
  for await (const batch of batches(examples)) {
    const next = reader.read(batch)
    next.catch(() => {}) // reported where it is awaited
    if (running) yield await running
    running = next
  }
  if (running) yield await running
}

async function* batches(examples: AsyncIterable<TextRow> | Iterable<TextRow>): AsyncGenerator<TextRow[]> {
  let batch: TextRow[] = []
  let characters = 0
  for await (const example of examples) {
    const { source, second, target, choices } = example
    batch.push(example)
    characters += source.length + target.length + (second?.length ?? 0) + (choices?.join('').length ?? 0)
    if (batch.length < BATCH_ROWS && characters < BATCH_CHARACTERS) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}
