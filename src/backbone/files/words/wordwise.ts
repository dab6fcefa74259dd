import type { Tokenizer as NativeTokenizer } from 'tokenizers'
import { assertNever } from '../../../base/assert_never.js'
import type { Normalizer, PreTokenizer, TokenizerFile } from '../tokenizer_file.js'

/** How a tokenizer treats the words of a text, between which there are single blanks, each by itself. */
export interface Wordwise {
  /** Whether the first word of a text has other ids than after a blank. */
  firstDiffers: boolean
  /** Whether the library cuts a word into several of its own, such as at punctuation. */
  cutsWords: boolean
  /** Returns where the words of a text end, a last blank left out; undefined where the text must stay whole. */
  endOf(text: string): number | undefined
  /** Whether a word may be encoded without its text. */
  isAlone(word: string): boolean
}

/** Undefined where the tokenizer's parts do not treat words one by one, or it has a token of several. */
export function wordwise(native: NativeTokenizer, file: TokenizerFile): Wordwise | undefined {
  const { added, normalizers, preTokenizers } = file
  const way = normalizers.every(keepsWords) ? wayOf(preTokenizers) : undefined
  const normalizer = native.getNormalizer()
  const normalised = (text: string) => normalizer?.normalizeString(text) ?? text
  const tokens = [...new Set(added.flatMap(({ content }) => [content, normalised(content)]))].filter(Boolean)
  if (!way || tokens.some((token) => /\s/.test(token) && !BLANKS_OF_UNUSUAL.test(token))) return undefined
  const dropsLast =
    preTokenizers[0]!.type === 'WhitespaceSplit' || normalizers.some((one) => one.type === 'Strip' && one.strip_right)
  return {
    ...way,
    endOf(text) {
      const used = dropsLast && text.endsWith(' ') ? text.slice(0, -1) : text
      return used === '' || UNUSUAL.test(used) ? undefined : used.length
    },
    isAlone: aloneCheck(normalised, tokens),
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
/** White space that no text has that is split at its blanks. */
const BLANKS_OF_UNUSUAL = / {2}|[^\S ]/

/** Whether a normaliser does nothing to blanks between words, and to a word what it does to that word alone. */
function keepsWords(part: Normalizer): boolean {
  switch (part.type) {
    case 'Replace':
      return 'Regex' in part.pattern && part.pattern.Regex === ' {2,}'
    case 'BertNormalizer':
    case 'Lowercase':
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Precompiled':
    case 'Strip':
    case 'StripAccents':
      return true
    case 'ByteLevel':
    case 'Nmt':
    case 'Prepend':
      return false
    default:
      return assertNever(part, 'normaliser')
  }
}

function wayOf(parts: PreTokenizer[]): Pick<Wordwise, 'firstDiffers' | 'cutsWords'> | undefined {
  const [last, before, ...others] = parts.toReversed()
  if (last === undefined || others.length > 0) return undefined
  if (last.type === 'Metaspace' && (before === undefined || before.type === 'WhitespaceSplit')) {
    const { replacement, prepend_scheme = 'always', add_prefix_space = true, split = true } = last
    const marksEach = replacement === '▁' && prepend_scheme === 'always' && add_prefix_space && split
    return marksEach ? { firstDiffers: false, cutsWords: false } : undefined
  }
  if (before !== undefined) return undefined
  if (last.type === 'BertPreTokenizer') return { firstDiffers: false, cutsWords: true }
  if (last.type !== 'ByteLevel' || last.use_regex === false) return undefined
  return { firstDiffers: !last.add_prefix_space, cutsWords: true }
}

/** Returns whether a word, as it is and normalised, holds neither blanks nor an added token, which are found first. */
function aloneCheck(normalised: (text: string) => string, tokens: string[]): Wordwise['isAlone'] {
  const beginnings = tokens.map((token) => `\\u{${token.codePointAt(0)!.toString(16)}}`)
  const beginning = new RegExp(beginnings.length > 0 ? `[${beginnings.join('')}]` : '$^', 'u')
  const holdsToken = (form: string) => beginning.test(form) && tokens.some((token) => form.includes(token))
  const isApart = (form: string) => form !== '' && !/[\s▁]/.test(form) && !holdsToken(form)
  const asciiForm = [(text: string) => text, (text: string) => text.toLowerCase()].find((form) =>
    ASCII.every((character) => normalised(character) === form(character)),
  ) // the library takes longer
  return (word) => isApart(word) && isApart(asciiForm && /^[!-~]+$/.test(word) ? asciiForm(word) : normalised(word))
}

const ASCII = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i))
