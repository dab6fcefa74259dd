import type { Scoring } from '../../base/choices.js'
import { lostPieces, type Written } from './written_form.js'

/** How outputs are found, which decides how texts must differ. */
export interface Told {
  scoring: Scoring
  /** Tokens that targets are cut to, including </s>. */
  targetLength?: number | undefined
  /** How to ask for ranking, where the texts can be ranked: `--scoring rank`, `training.scoring: rank`. */
  ranking?: string | undefined
}

/** A fault of some of the texts that outputs are compared with. */
export interface TextsProblem {
  problem: string
  remedy: string
  /** The text at fault; the second of two. */
  about: Written
  /** The value that `training.target_length` needs, if that key is the cause. */
  needed?: number
}

/**
 * Returns what keeps the texts from being told apart, or one from ever being output: two have the same tokens or form,
 * one is cut, or one loses characters. For ranking it is enough that their tokens differ. `noun` is what errors call a
 * text.
 */
export function textsProblem(texts: readonly Written[], noun: string, told: Told): TextsProblem | undefined {
  const same = sameProblem(texts, noun, told)
  if (same || told.scoring === 'rank') return same
  return cutProblem(texts, noun, told) ?? lossProblem(texts, noun, told)
}

function sameProblem(texts: readonly Written[], noun: string, { targetLength }: Told): TextsProblem | undefined {
  const whole = twins(texts, ({ ids }) => ids.join(' ')) ?? twins(texts, ({ form }) => form)
  if (whole) {
    const [first, about] = whole
    const problem =
      `the ${noun}s ${quoted(first)} and ${quoted(about)} are the same to the backbone's ` +
      `tokenizer, which writes both as '${about.back}'.`
    return { problem, remedy: `Let them differ in characters that it can write.`, about }
  }
  if (targetLength === undefined) return undefined
  const cut = twins(texts, ({ ids }) => ids.subarray(0, ids.length > targetLength ? targetLength - 1 : -1).join(' '))
  if (!cut) return undefined
  const [first, about] = cut
  const needed = Math.max(first.ids.length, about.ids.length)
  const problem =
    `training.target_length is ${targetLength}, which cuts the ${noun}s ${quoted(first)} and ` +
    `${quoted(about)} to the same tokens.`
  return { problem, remedy: lengthen(needed), about, needed }
}

function cutProblem(
  texts: readonly Written[],
  noun: string,
  { targetLength = Number.MAX_SAFE_INTEGER, ranking }: Told,
): TextsProblem | undefined {
  const about = texts.find(({ ids }) => ids.length > targetLength)
  if (!about) return undefined
  const needed = about.ids.length
  const problem =
    `training.target_length is ${targetLength}; the ${noun} ${quoted(about)} has ${needed} tokens ` +
    'and is never put out whole.'
  return { problem, remedy: lengthen(needed, ranking), about, needed }
}

const lengthen = (tokens: number, ranking?: string) => `Set it to ${tokens} or more${orRank(ranking)}.`
const orRank = (ranking: string | undefined) => (ranking === undefined ? '' : `, or use ${ranking}`)

function lossProblem(texts: readonly Written[], noun: string, { ranking }: Told): TextsProblem | undefined {
  const about = texts.find(({ comesBack }) => !comesBack)
  if (!about) return undefined
  const lost = lostPieces(about).map(shown)
  const without = lost.length === 0 ? '' : `, without ${lost.join(' ')}`
  const problem =
    `the ${noun} ${quoted(about)} comes back from the backbone's tokenizer as ` +
    `'${about.back}'${without}: no output is ever equal to it.`
  return { problem, remedy: `Choose another text${orRank(ranking)}.`, about }
}

const quoted = ({ text }: Written) => `'${text}'`

/** Returns a piece of text, with invisible characters shown by their numbers. */
export const shown = (piece: string): string =>
  piece.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S}]/gu, (character) => {
    const number = character.codePointAt(0)!.toString(16).toUpperCase()
    return `U+${number.padStart(4, '0')}`
  })

/** Returns the first two texts with the same key. */
function twins(texts: readonly Written[], keyOf: (text: Written) => string): [Written, Written] | undefined {
  const known = new Map<string, Written>()
  for (const text of texts) {
    const key = keyOf(text)
    const first = known.get(key)
    if (first) return [first, text]
    known.set(key, text)
  }
  return undefined
}
