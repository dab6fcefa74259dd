import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import type { Example } from '../example.js'

/**
 * A text as a backbone's tokenizer writes it. A model is trained on the text's tokens, so a perfect model outputs what
 * those tokens decode to: outputs are compared with that, not with the text.
 */
export interface Written {
  text: string
  /** The text's tokens, not cut, </s> last. */
  ids: Int32Array
  /** The text that its tokens decode to. */
  back: string
  /** Whether that is the text, apart from white space and Unicode's normal form. */
  comesBack: boolean
  /**
   * The form in which the text is compared with outputs: what comes back, or the text itself if that is not the same
   * text.
   */
  form: string
}

/** Returns how the tokenizer writes each of the texts. */
export async function written(texts: readonly string[], tokenizer: Tokenizer): Promise<Written[]> {
  if (tokenizer.verbatim) return texts.map(asItIs)
  const distinct = [...new Set(texts)]
  const ids = await tokenizer.encode(distinct, Number.MAX_SAFE_INTEGER)
  const all = new Map(distinct.map((text, i) => [text, writtenAs(text, ids[i]!, tokenizer)]))
  return texts.map((text) => all.get(text)!)
}

/** A text that no tokenizer writes: its characters are its tokens. */
const asItIs = (text: string): Written => ({
  ...{ text, back: text, comesBack: true, form: text.trim() },
  ids: Int32Array.from(text, (character) => character.codePointAt(0)!),
})

function writtenAs(text: string, ids: Int32Array, tokenizer: Tokenizer): Written {
  const back = tokenizer.decode(ids).trim()
  const comesBack = sameText(back, text)
  return { text, ids, back, comesBack, form: comesBack ? back : ownForm(text, tokenizer) }
}

/** Returns a text that loses characters, with the characters that it keeps in the form in which they are output. */
function ownForm(text: string, tokenizer: Tokenizer): string {
  const normal = tokenizer.normalise(text).trim()
  return sameText(normal, text) ? normal : text.trim()
}

/** Returns the pieces of a text that do not come back, after compatibility composition, without white space. */
export function lostPieces({ text, back }: Written): string[] {
  const kept = [...bare(back)]
  const pieces = [['']]
  let at = 0
  for (const character of bare(text)) {
    if (character !== kept[at]) pieces.at(-1)!.push(character)
    else {
      at++
      pieces.push([])
    }
  }
  const lost = pieces.map((piece) => piece.join('')).filter((piece) => piece !== '')
  return at === kept.length ? [...new Set(lost)] : missingCharacters(bare(text), kept)
}

/** Returns the characters of a text whose place other characters of it have taken. */
function missingCharacters(text: string, kept: string[]): string[] {
  const left = new Map<string, number>()
  for (const character of kept) left.set(character, (left.get(character) ?? 0) + 1)
  const missing = [...text].filter((character) => {
    const count = left.get(character) ?? 0
    if (count > 0) left.set(character, count - 1)
    return count === 0
  })
  return [...new Set(missing)]
}

/** Whether two texts differ only in white space and Unicode's normal form. */
export const sameText = (a: string, b: string): boolean => bare(a) === bare(b)

/**
 * Removes white space. Some tokenizers drop or add it, and take invisible characters (zero width, direction) for it.
 */
const bare = (text: string) => text.normalize('NFKC').replace(/[\s\u200b-\u200f]+/g, '')

/** Returns the examples with targets, answers and choices in the form in which outputs are compared with them. */
export async function inWrittenForm(examples: readonly Example[], tokenizer: Tokenizer): Promise<Example[]> {
  const texts = new Set(examples.flatMap(({ target, answers = [], choices = [] }) => [target, ...answers, ...choices]))
  const forms = new Map((await written([...texts], tokenizer)).map(({ text, form }) => [text, form]))
  const of = (text: string) => forms.get(text)!
  return examples.map((example) => ({
    ...example,
    target: of(example.target),
    ...(example.answers && { answers: example.answers.map(of) }),
    ...(example.choices && { choices: example.choices.map(of) }),
  }))
}
