import type { Tokenizer as NativeTokenizer } from 'tokenizers'
import type { Normalizer, PreTokenizer, TokenizerFile } from './tokenizer_file.js'

/** Ids without `</s>`. */
type Ids = number[]

/** The ids of words; null for a word whose text must be encoded as a whole. */
type Words = Map<string, Ids | null>

/**
 * Texts passed to the native library at once: enough for all its threads, but few, since the encodings it returns are
 * large.
 */
const BATCH = 8192

/** The most words whose ids are kept, about 200 bytes each, and the longest such word. */
const [MOST_WORDS, LONGEST_WORD] = [2 ** 17, 64]

/**
 * Returns a function that encodes texts as the native library does, and ends each row with `eos`. Where the tokenizer's
 * parts treat each word by itself, the library is asked for each distinct word only: words repeat, and a sentence takes
 * it 0.1 ms.
 */
export function textEncoder(
  native: NativeTokenizer,
  file: TokenizerFile,
  eos: number,
): (texts: string[]) => Promise<Int32Array[]> {
  const wordsOf = wordSplitter(file)
  const isAlone = aloneCheck(native, file)
  let kept: Words = new Map()
  return async (texts) => {
    if (kept.size > MOST_WORDS) kept = new Map()
    const words = kept // a call that runs meanwhile may begin a new one
    const rows = growingRows(eos)
    const unknown = new Set<string>()
    const places = texts.map((text) => join(wordsOf(text), words, rows, unknown))
    await learn(words, unknown, isAlone, native)
    for (const [i, text] of texts.entries())
      if (places[i] === 'unknown') places[i] = join(wordsOf(text), words, rows, unknown)
    const whole = places.flatMap((place, i) => (place === 'whole' ? [i] : []))
    for (let start = 0; start < whole.length; start += BATCH) {
      const batch = whole.slice(start, start + BATCH)
      const encoded = await native.encodeBatch(
        batch.map((i) => texts[i]!),
        { addSpecialTokens: false },
      )
      for (const [k, i] of batch.entries()) places[i] = rows.end(encoded[k]!.getIds())
    }
    return rows.values(places as number[])
  }
}

/** Rows of ids one after the other in one array: an array for each costs as much as its tokens. */
function growingRows(eos: number) {
  let ids = new Int32Array(1024)
  let count = 0
  const starts = [0]
  const push = (more: Ids) => {
    if (count + more.length >= ids.length) {
      const larger = new Int32Array(2 * (count + more.length))
      larger.set(ids)
      ids = larger
    }
    for (const id of more) ids[count++] = id
  }
  return {
    push,
    /** Forgets the row that was begun. */
    drop() {
      count = starts.at(-1)!
    },
    /** Ends the row that was begun, and returns its place. */
    end(more: Ids = []): number {
      push(more)
      ids[count++] = eos
      return starts.push(count) - 2
    },
    values(places: number[]): Int32Array[] {
      const all = ids.slice(0, count)
      return places.map((place) => all.subarray(starts[place]!, starts[place + 1]!))
    },
  }
}

/**
 * Joins the ids of words to a row and returns its place; 'unknown', after adding words that are not known yet to
 * `unknown`; or 'whole' where the text must be encoded as a whole.
 */
function join(
  parts: string[] | undefined,
  words: Words,
  rows: ReturnType<typeof growingRows>,
  unknown: Set<string>,
): number | 'unknown' | 'whole' {
  let result: 'unknown' | 'whole' | undefined = parts ? undefined : 'whole'
  for (const word of parts ?? []) {
    const ids = words.get(word)
    if (ids) rows.push(ids)
    else if (ids === null || word.length > LONGEST_WORD) result = 'whole'
    else {
      result ??= 'unknown'
      unknown.add(word)
    }
  }
  if (result === undefined) return rows.end()
  rows.drop()
  return result
}

/** Words that the library encodes as one text: a call costs it as much as ten words. */
const TOGETHER = 64

/** Adds words with their ids. */
async function learn(
  words: Words,
  unknown: Set<string>,
  isAlone: (word: string) => boolean,
  native: NativeTokenizer,
): Promise<void> {
  const alone: string[] = []
  for (const word of unknown) {
    const copy = Buffer.from(word).toString() // a slice would keep its whole text in memory
    if (isAlone(word)) alone.push(copy)
    else words.set(copy, null)
  }
  const groups: string[][] = []
  for (let start = 0; start < alone.length; start += TOGETHER) groups.push(alone.slice(start, start + TOGETHER))
  const texts = groups.map((group) => group.join(' '))
  const encoded = await native.encodeBatch(texts, { addSpecialTokens: false })
  for (const [i, group] of groups.entries()) {
    const [ids, places] = [encoded[i]!.getIds(), encoded[i]!.getWordIds()]
    for (const word of group) words.set(word, [])
    for (const [k, id] of ids.entries()) words.get(group[places[k]!]!)!.push(id)
  }
}

/**
 * Letters, digits, punctuation and signs of European scripts. No two of them, nor one of them and a blank, form a
 * grapheme, which is what the library's `Precompiled` maps; no combining marks, format characters or other white space.
 */
const PLAIN =
  '\\x21-\\x7e\\u00a1-\\u00ac\\u00ae-\\u02ff\\u0370-\\u0482\\u048a-\\u052f\\u1e00-\\u1fff\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20bf'
/** What keeps a text from being split at its blanks. */
const UNUSUAL = new RegExp(`[^ ${PLAIN}]|^ |  | $`)

/** Returns a function that splits a text into words; it returns undefined where the text must stay whole. */
function wordSplitter({ added, normalizers, preTokenizers }: TokenizerFile) {
  const isWordwise = normalizers.every(keepsWords) && splitsWords(preTokenizers)
  if (!isWordwise || added.some(({ content }) => /\s/.test(content))) return () => undefined
  const dropsLast =
    preTokenizers[0]!.type === 'WhitespaceSplit' || normalizers.some((one) => one.type === 'Strip' && one.strip_right)
  return (text: string): string[] | undefined => {
    const used = dropsLast && text.endsWith(' ') ? text.slice(0, -1) : text
    return used === '' || UNUSUAL.test(used) ? undefined : used.split(' ')
  }
}

/** Whether a normaliser does nothing to blanks between words, and to a word what it does to that word alone. */
function keepsWords(part: Normalizer): boolean {
  if (part.type === 'Replace') return 'Regex' in part.pattern && part.pattern.Regex === ' {2,}'
  return part.type === 'Precompiled' || part.type === 'Strip'
}

/** Whether words are what the model gets, each with `▁` before it. */
function splitsWords(parts: PreTokenizer[]): boolean {
  const [last, before, ...others] = parts.toReversed()
  if (last?.type !== 'Metaspace' || others.length > 0) return false
  if (before !== undefined && before.type !== 'WhitespaceSplit') return false
  const { replacement, prepend_scheme = 'always', add_prefix_space = true, split = true } = last
  return replacement === '▁' && prepend_scheme === 'always' && add_prefix_space && split
}

/** Returns whether a word, as it is and normalised, holds neither blanks nor an added token, which are found first. */
function aloneCheck(native: NativeTokenizer, { added }: TokenizerFile): (word: string) => boolean {
  const normalizer = native.getNormalizer()
  const normalised = (text: string) => normalizer?.normalizeString(text) ?? text
  const tokens = [...new Set(added.flatMap(({ content }) => [content, normalised(content)]))].filter(Boolean)
  const beginnings = tokens.map((token) => `\\u{${token.codePointAt(0)!.toString(16)}}`)
  const beginning = new RegExp(beginnings.length > 0 ? `[${beginnings.join('')}]` : '$^', 'u')
  const holdsToken = (form: string) => beginning.test(form) && tokens.some((token) => form.includes(token))
  const isApart = (form: string) => form !== '' && !/[\s▁]/.test(form) && !holdsToken(form)
  const keepsAscii = Array.from(ASCII).every((character) => normalised(character) === character)
  return (word) => isApart(word) && ((keepsAscii && /^[!-~]+$/.test(word)) || isApart(normalised(word)))
}

const ASCII = String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 0x21 + i))
