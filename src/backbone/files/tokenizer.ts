import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Tokenizer as NativeTokenizer } from 'tokenizers'
import { UserError } from '../../base/error.js'
import { specialTokens } from './special_tokens.js'
import { endOf, type Template } from './template.js'
import { readTokenizerFile, withPrefixSpace } from './tokenizer_file.js'
import { TOKENIZER_JSON, tokenizerFileIn } from './vocabulary/tokenizer_files.js'
import { textEncoder } from './words/text_encoder.js'

export interface Tokenizer {
  /** One more than the highest id, including sentinels; the embedding table may have more rows. */
  vocabularySize: number
  /**
   * The id that ends a row: that of `</s>`, unless tokenizer_config.json names another token, or what the template puts
   * last where there is no such token.
   */
  eosId: number
  /** What an encoder's row is made of; undefined where the file names no such tokens. */
  template: Template | undefined
  /** Whether labels are compared as they are, since the backbone writes none. */
  verbatim?: boolean
  /** The padding id, if the files name one. */
  padId: number | undefined
  /**
   * Returns one row of ids per text, `</s>` last; a longer row is cut so that `</s>` is still the last of `maxLength`.
   */
  encode(texts: string[], maxLength: number): Promise<Int32Array[]>
  /** Returns the ids of each text, without tokens that a row has besides. */
  pieces(texts: string[]): Promise<Int32Array[]>
  /** Returns the ids of each word of a text that comes in words, as if a blank were in front of each. */
  wordPieces(words: string[]): Promise<Int32Array[]>
  /** Decodes ids; padding, `</s>`, `<unk>`, sentinels and ids beyond the vocabulary are left out. */
  decode(ids: ArrayLike<number>): string
  /**
   * Returns the text as the tokenizer changes it before it looks for tokens: characters composed or replaced, white
   * space collapsed.
   */
  normalise(text: string): string
}

/**
 * Loads a `tokenizer.json`, or a vocabulary that one is made of, run by Hugging Face's own library;
 * `tokenizer_config.json` next to it may name the special tokens.
 * @throws UserError where the file is missing, damaged or has no token that ends a row.
 */
export async function loadTokenizer(file: string): Promise<Tokenizer> {
  if (!existsSync(file)) throw missing(file)
  const parts = readTokenizerFile(file)
  const { added, padToken, template, text } = parts
  const native = await parse(file, text)
  const { eos = '</s>', pad } = specialTokens(dirname(file))
  const eosId = native.tokenToId(eos) ?? (template && endOf(template))
  if (eosId === undefined) throw new UserError({ at: file, problem: `has no token ${eos}, which ends a row.` })
  const tokens = tokenTable(native, new Set(added.filter(({ special }) => special).map(({ id }) => id)))
  const rows = rowsBy(file, textEncoder(native, parts, eosId))
  let words: Promise<typeof rows> | undefined
  const wordRows = () => {
    const spaced = withPrefixSpace(parts)
    words ??= spaced
      ? parse(file, spaced.text).then((native) => rowsBy(file, textEncoder(native, spaced, eosId)))
      : Promise.resolve(rows)
    return words
  }
  return {
    vocabularySize: tokens.length,
    eosId,
    template,
    padId: native.tokenToId(pad ?? padToken ?? '<pad>') ?? undefined,
    encode: async (texts, maxLength) => (await rows(texts)).map((row) => cut(row, maxLength)),
    pieces: async (texts) => (await rows(texts)).map(withoutEnd),
    wordPieces: async (texts) => (await (await wordRows())(texts)).map(withoutEnd),
    decode: decoder(native, tokens),
    normalise: normaliser(native),
  }
}

/** Loads the tokenizer of a folder. @throws as `loadTokenizer` */
export const loadTokenizerIn = (folder: string): Promise<Tokenizer> =>
  loadTokenizer(tokenizerFileIn(folder) ?? join(folder, TOKENIZER_JSON))

const withoutEnd = (row: Int32Array) => row.subarray(0, -1)

type Encode = (texts: string[]) => Promise<Int32Array[]>

const rowsBy =
  (file: string, encode: Encode): Encode =>
  (texts) =>
    encode(texts).catch((error) => Promise.reject(cannotEncode(file, error)))

const missing = (file: string) =>
  new UserError({
    at: file,
    problem: 'cannot be read (ENOENT).',
    remedy: 'A backbone needs its tokenizer.json: save it with AutoTokenizer.from_pretrained(…).save_pretrained(…).',
  })

async function parse(file: string, json: string): Promise<NativeTokenizer> {
  const { Tokenizer } = await import('tokenizers') // here: the native library takes time to load
  try {
    return Tokenizer.fromString(json)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(
      { at: file, problem: `is not a tokenizer: ${reason}.`, remedy: 'Fetch the file again.' },
      { cause: error },
    )
  }
}

/** Returns every id's token, undefined where decoding leaves it out. */
function tokenTable(native: NativeTokenizer, special: Set<number>): (string | undefined)[] {
  const table: (string | undefined)[] = []
  for (const [token, id] of Object.entries(native.getVocab(true))) table[id] = special.has(id) ? undefined : token
  return table
}

const cannotEncode = (file: string, error: Error) =>
  new UserError(
    { at: file, problem: `cannot encode a text: ${error.message}.`, remedy: 'Fetch the file again.' },
    { cause: error },
  )

/** Cuts a row here, since the library's truncation is a setting that simultaneous calls would share. */
function cut(row: Int32Array, maxLength: number): Int32Array {
  if (row.length <= maxLength) return row
  const head = row.slice(0, maxLength)
  head[maxLength - 1] = row.at(-1)!
  return head
}

/** Does what the library's own `decode` does, which is asynchronous. */
function decoder(native: NativeTokenizer, tokens: (string | undefined)[]): Tokenizer['decode'] {
  const join = native.getDecoder()
  return (ids) => {
    const kept = Array.from(ids, (id) => tokens[id]).filter((token) => token !== undefined)
    return join ? join.decode(kept) : kept.join(' ')
  }
}

/** Turns the character that SentencePiece writes for a blank into a blank again. */
function normaliser(native: NativeTokenizer): Tokenizer['normalise'] {
  const normalizer = native.getNormalizer()
  return (text) => (normalizer?.normalizeString(text) ?? text).replaceAll('▁', ' ')
}
