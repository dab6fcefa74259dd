import type { Tokenizer as NativeTokenizer } from 'tokenizers'
import type { Normalizer, PreTokenizer, TokenizerFile } from '../tokenizer_file.js'

/**
 * Letters, digits, punctuation and signs of European scripts. No two of them, nor one of them and a blank, form a
 * grapheme, which is what the library's `Precompiled` maps; no combining marks, format characters or other white space.
 */
const PLAIN =
  '\\x21-\\x7e\\u00a1-\\u00ac\\u00ae-\\u02ff\\u0370-\\u0482\\u048a-\\u052f\\u1e00-\\u1fff\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20bf'
/** What keeps a text from being split at its blanks. */
const UNUSUAL = new RegExp(`[^ ${PLAIN}]|^ |  | $`)

/**
 * Returns a function that says where the words of a text end, which has single blanks between them: at its end or
 * before a last blank; undefined where the text must stay whole.
 */
export function wordsEnd({ added, normalizers, preTokenizers }: TokenizerFile) {
  const isWordwise = normalizers.every(keepsWords) && splitsWords(preTokenizers)
  if (!isWordwise || added.some(({ content }) => /\s/.test(content))) return () => undefined
  const dropsLast =
    preTokenizers[0]!.type === 'WhitespaceSplit' || normalizers.some((one) => one.type === 'Strip' && one.strip_right)
  return (text: string): number | undefined => {
    const used = dropsLast && text.endsWith(' ') ? text.slice(0, -1) : text
    return used === '' || UNUSUAL.test(used) ? undefined : used.length
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
export function aloneCheck(native: NativeTokenizer, { added }: TokenizerFile): (word: string) => boolean {
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
