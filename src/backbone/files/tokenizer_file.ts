import { z } from 'zod'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import { shortened } from '../../base/text/shortened.js'
import { charsmapProblem } from './charsmap.js'
import { postProcessor, type Template, templateOf } from './template.js'
import { madeTokenizer } from './vocabulary/make_tokenizer.js'

/** The parts of a `tokenizer.json` that we read, and the text for the library. */
export interface TokenizerFile {
  added: { id: number; content: string; special: boolean }[]
  padToken: string | undefined
  normalizers: Normalizer[]
  preTokenizers: PreTokenizer[]
  /** How rows are made of texts, if the file says so. */
  template: Template | undefined
  /** JSON, without the parts that are not used: truncation, padding and special tokens that are added. */
  text: string
}

const REMEDY = 'Fetch the file again.'
/** The most bytes; the largest file of a T5, mT5's, has 16 million. */
const LARGEST = 32 * 2 ** 20
/** The most tokens, and the most bytes of all together; each byte becomes a node of a tree. */
const [MOST_TOKENS, MOST_TOKEN_BYTES] = [4_194_304, 8 * 2 ** 20]
/** The most normalisers, pre-tokenizers or decoders in a sequence. */
const MOST_PARTS = 32
/** How many times longer all normalisers together may make a text. */
const MOST_GROWTH = 64

/**
 * Reads a `tokenizer.json`, or makes one of a vocabulary alone, and checks that every part of it is known. The library
 * crashes the process or allocates all memory for some values that it does not expect, so it only gets values that were
 * tried.
 * @throws UserError that names the file, the part and its value.
 */
export function readTokenizerFile(file: string): TokenizerFile {
  const json = madeTokenizer(file) ?? readJson(file, { remedy: REMEDY, limit: LARGEST })
  const checked = whole.safeParse(json)
  if (!checked.success) {
    const [issue] = checked.error.issues
    const path = issue!.path.join('.')
    throw damaged(file, `${path || 'the whole'}: ${shortened(issue!.message).replace(/\.?$/, '.')}`)
  }
  const { added_tokens: added = [], padding, normalizer, pre_tokenizer, decoder, model } = checked.data
  const normalizers = listed<Normalizer>(normalizer, 'normalizers')
  const problem = modelProblem(model) ?? growthProblem(normalizers)
  if (problem) throw damaged(file, problem)
  const used = { version: '1.0', added_tokens: added, normalizer, pre_tokenizer, decoder, model }
  const text = JSON.stringify({ ...used, truncation: null, padding: null, post_processor: null })
  const preTokenizers = listed<PreTokenizer>(pre_tokenizer, 'pretokenizers')
  const template = templateOf(checked.data.post_processor)
  return { added, padToken: padding?.pad_token, normalizers, preTokenizers, template, text }
}

/**
 * Returns a byte-level tokenizer that puts a blank in front of each text, as transformers reads words with
 * add_prefix_space; undefined where the file's own does, or is of another kind.
 */
export function withPrefixSpace(parts: TokenizerFile): TokenizerFile | undefined {
  const isBare = (part: PreTokenizer) => part.type === 'ByteLevel' && !part.add_prefix_space
  if (!parts.preTokenizers.some(isBare)) return undefined
  const preTokenizers = parts.preTokenizers.map((part) => (isBare(part) ? { ...part, add_prefix_space: true } : part))
  const pre_tokenizer = { type: 'Sequence', pretokenizers: preTokenizers }
  return { ...parts, preTokenizers, text: JSON.stringify({ ...JSON.parse(parts.text), pre_tokenizer }) }
}

const damaged = (file: string, problem: string) =>
  new UserError({ at: file, problem: `is not a tokenizer that is run here: ${problem}`, remedy: REMEDY })

const short = z.string().max(64)
const plain = <const T extends string>(type: T) => z.strictObject({ type: z.literal(type) })

/** A regular expression may take time quadratic in the text at most: no groups, one repetition an alternative. */
const regex = short.min(1).refine((text) => {
  const bare = text.replace(/\\[\s\S]/g, 'x').replace(/\[[^\]]*\]/g, 'x')
  const repeatsOnce = (alternative: string) => (alternative.match(/[*+?{]/g) ?? []).length <= 1
  return !/[()[\]]/.test(bare) && bare.split('|').every(repeatsOnce)
}, 'a regular expression with groups or several repetitions is not run')
const pattern = z.union([z.strictObject({ String: short.min(1) }), z.strictObject({ Regex: regex })])
const replace = z.strictObject({ type: z.literal('Replace'), pattern, content: short })
const strip = z.strictObject({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() })
const character = z.string().refine((text) => [...text].length === 1, 'must be one character')
const metaspace = z.strictObject({
  type: z.literal('Metaspace'),
  replacement: character,
  add_prefix_space: z.boolean().optional(),
  prepend_scheme: z.enum(['always', 'never', 'first']).optional(),
  split: z.boolean().optional(),
  str_rep: character.optional(),
})
const byteLevel = z.strictObject({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean().optional(),
  trim_offsets: z.boolean().optional(),
  use_regex: z.boolean().optional(),
})
const charsmap = z.string().superRefine((text, { addIssue }) => {
  const problem = charsmapProblem(Buffer.from(text, 'base64'))
  if (problem) addIssue(problem)
})
const normalizer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('Precompiled'), precompiled_charsmap: charsmap }),
  z.strictObject({ type: z.literal('Prepend'), prepend: short.min(1) }),
  z.strictObject({
    type: z.literal('BertNormalizer'),
    clean_text: z.boolean(),
    handle_chinese_chars: z.boolean(),
    strip_accents: z.boolean().nullable(),
    lowercase: z.boolean(),
  }),
  ...(['NFC', 'NFD', 'NFKC', 'NFKD', 'Nmt', 'Lowercase', 'StripAccents', 'ByteLevel'] as const).map(plain),
  strip,
  replace,
])
const preTokenizer = z.discriminatedUnion('type', [
  metaspace,
  byteLevel,
  ...(['WhitespaceSplit', 'Whitespace', 'BertPreTokenizer'] as const).map(plain),
  z.strictObject({ type: z.literal('Punctuation'), behavior: short.optional() }),
  z.strictObject({ type: z.literal('Digits'), individual_digits: z.boolean() }),
  z.strictObject({ type: z.literal('Split'), pattern, behavior: short, invert: z.boolean() }),
])
const decoder = z.discriminatedUnion('type', [
  metaspace,
  byteLevel,
  replace,
  ...(['ByteFallback', 'Fuse'] as const).map(plain),
  z.strictObject({
    type: z.literal('Strip'),
    content: character,
    start: z.int().min(0).max(16),
    stop: z.int().min(0).max(16),
  }),
  z.strictObject({ type: z.literal('WordPiece'), prefix: short, cleanup: z.boolean() }),
  z.strictObject({ type: z.literal('BPEDecoder'), suffix: short }),
])

export type Normalizer = z.infer<typeof normalizer>
export type PreTokenizer = z.infer<typeof preTokenizer>

/** One part, or a list of them under `key`; nothing writes nested lists. */
function oneOrMany<Part extends z.core.$ZodTypeDiscriminable, const Key extends string>(part: Part, key: Key) {
  const many = z.strictObject({ type: z.literal('Sequence'), [key]: z.array(part).max(MOST_PARTS) })
  return z.discriminatedUnion('type', [part, many]).nullable().default(null)
}

/** Returns the parts of what `oneOrMany` has checked. */
function listed<Part>(found: object | null, key: string): Part[] {
  if (found && key in found) return (found as Record<string, Part[]>)[key]!
  return found ? [found as Part] : []
}

const token = z.string().refine((text) => Buffer.byteLength(text) <= 1024, 'has more than 1024 bytes')
const id = z.int().min(0).max(MOST_TOKENS)
const unused = z.null().or(z.literal('')).optional()
/** The entries are checked one by one in `modelProblem`: a schema takes seconds for 250,000. */
const vocabulary = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
)
const list = z.custom<unknown[]>(Array.isArray, 'must be a list')
const models = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('Unigram'),
    vocab: list,
    unk_id: id.nullable().optional(),
    byte_fallback: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('BPE'),
    vocab: vocabulary,
    merges: list,
    dropout: z.null().optional(), // with it the same text gives other tokens each time
    unk_token: token.nullable().optional(),
    continuing_subword_prefix: unused,
    end_of_word_suffix: unused,
    fuse_unk: z.boolean().optional(),
    byte_fallback: z.boolean().optional(),
    ignore_merges: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('WordPiece'),
    vocab: vocabulary,
    unk_token: token,
    continuing_subword_prefix: short,
    max_input_chars_per_word: z.int().min(1).max(1000),
  }),
  z.strictObject({ type: z.literal('WordLevel'), vocab: vocabulary, unk_token: token }),
])

/** Adds the type of the model, which files of 2020 lack; the library recognises it by its keys. */
function typed(model: unknown): unknown {
  if (typeof model !== 'object' || model === null || 'type' in model) return model
  if ('merges' in model) return { type: 'BPE', ...model }
  if ('unk_id' in model) return { type: 'Unigram', ...model }
  return { type: 'max_input_chars_per_word' in model ? 'WordPiece' : 'WordLevel', ...model }
}

const whole = z.object({
  added_tokens: z
    .array(
      z.strictObject({
        id,
        content: token.min(1),
        single_word: z.boolean(),
        lstrip: z.boolean(),
        rstrip: z.boolean(),
        normalized: z.boolean(),
        special: z.boolean(),
      }),
    )
    .max(10_000)
    .optional(),
  padding: z.object({ pad_token: token }).nullish(),
  normalizer: oneOrMany(normalizer, 'normalizers'),
  pre_tokenizer: oneOrMany(preTokenizer, 'pretokenizers'),
  decoder: oneOrMany(decoder, 'decoders'),
  post_processor: postProcessor.catch(null),
  model: z.preprocess(typed, models),
})

function modelProblem(model: z.infer<typeof models>): string | undefined {
  const tokens = model.type === 'Unigram' ? model.vocab : Object.entries(model.vocab)
  if (tokens.length === 0) return 'model.vocab is empty.'
  if (tokens.length > MOST_TOKENS) return `model.vocab has ${tokens.length} tokens; at most ${MOST_TOKENS} are read.`
  let bytes = 0
  for (const [i, entry] of tokens.entries()) {
    const at = model.type === 'Unigram' ? `model.vocab.${i}` : `model.vocab.${shortened((entry as [string])[0])}`
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== 'string')
      return `${at} must be a token and a number.`
    const [text, value] = entry
    const isGood = model.type === 'Unigram' ? Number.isFinite(value) : id.safeParse(value).success
    if (!isGood) return `${at} has ${shortened(JSON.stringify(value))} where a number was expected.`
    bytes += Buffer.byteLength(text)
  }
  if (bytes > MOST_TOKEN_BYTES) return `its tokens have ${bytes} bytes; at most ${MOST_TOKEN_BYTES} are read.`
  if (model.type === 'Unigram') return unknownProblem(model.unk_id, tokens.length)
  return wordProblem(model)
}

const unknownProblem = (unknown: number | null | undefined, count: number): string | undefined =>
  unknown != null && unknown >= count ? `model.unk_id is ${unknown}; there are ${count} tokens.` : undefined

function wordProblem(model: Exclude<z.infer<typeof models>, { type: 'Unigram' }>): string | undefined {
  const unknown = model.unk_token
  if (unknown && !Object.hasOwn(model.vocab, unknown)) return `model.unk_token '${unknown}' is not a token.`
  if (model.type !== 'BPE') return undefined
  for (const [i, merge] of model.merges.entries()) {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge
    const isPair = Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === 'string')
    const tokens = isPair ? [...parts, parts.join('')] : []
    if (!isPair || !tokens.every((text) => Object.hasOwn(model.vocab, text)))
      return `model.merges.${i} must be two tokens that make a third.`
  }
  return undefined
}

/** Returns a problem if normalisers make texts too long: each may multiply the length, one after the other. */
function growthProblem(normalizers: Normalizer[]): string | undefined {
  let growth = 1
  for (const part of normalizers) {
    if (part.type !== 'Replace') continue
    const content = Buffer.byteLength(part.content)
    growth *= 'String' in part.pattern ? Math.max(1, content / Buffer.byteLength(part.pattern.String)) : 1 + content
  }
  if (growth <= MOST_GROWTH) return undefined
  return `normalizer makes a text up to ${Math.ceil(growth)} times longer; at most ${MOST_GROWTH} times is run.`
}
