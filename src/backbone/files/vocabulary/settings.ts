import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../../base/error.js'
import { readJsonFile } from '../../../base/files/json_file.js'
import { SETTINGS } from './tokenizer_files.js'

/** A token that is found in a text before the text is cut into pieces. */
const addedToken = z.object({
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(true),
})
export type AddedToken = z.output<typeof addedToken>

/** The names of special tokens, in the order in which transformers adds those that a vocabulary lacks. */
const NAMES = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const
export type SpecialName = (typeof NAMES)[number]
/** The special tokens of a tokenizer by their names. */
export type SpecialNames = Partial<Record<SpecialName, string>>

const token = z.union([z.string().min(1), addedToken])
const named = Object.fromEntries(NAMES.map((name) => [`${name}_token`, token.nullish()]))
const more = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish()
const names = z.looseObject({ ...named, additional_special_tokens: more, extra_special_tokens: more })
const config = names.extend({
  tokenizer_class: z.string().nullish(),
  added_tokens_decoder: z.record(z.string(), addedToken).optional(),
  do_lower_case: z.boolean().optional(),
  do_basic_tokenize: z.boolean().optional(),
  tokenize_chinese_chars: z.boolean().optional(),
  strip_accents: z.boolean().nullish(),
  split_by_punct: z.boolean().optional(),
  add_prefix_space: z.boolean().optional(),
  trim_offsets: z.boolean().optional(),
})

/** How a vocabulary is used, by transformers' names. */
export interface Settings extends z.output<typeof config> {
  /** Tokens to add to the vocabulary, by name, or without. */
  named: Partial<Record<SpecialName, AddedToken>>
  /** Ids that the files give to tokens; a tokenizer that gives others is not theirs. */
  ids: Map<string, number>
  /** Tokens that the files add, ascending by id. */
  added: AddedToken[]
}

/**
 * Reads what is next to a vocabulary: tokenizer_config.json, special_tokens_map.json and added_tokens.json, whichever
 * are there. `classes` are the tokenizers that the vocabulary is for, `defaults` the names that they give to tokens.
 * @throws UserError where a file is damaged, or asks for what is not made here.
 */
export function readSettings(folder: string, classes: readonly string[], defaults: SpecialNames): Settings {
  const [ofConfig, ofNames, ofAdded] = SETTINGS.map((name) => join(folder, name)) as [string, string, string]
  const found = existsSync(ofConfig) ? readJsonFile(ofConfig, config) : {}
  const isOther = found.tokenizer_class && !classes.includes(found.tokenizer_class.replace(/Fast$/, ''))
  if (isOther) throw notMade(ofConfig, `tokenizer_class is ${found.tokenizer_class}`)
  if (found.do_basic_tokenize === false) throw notMade(ofConfig, 'do_basic_tokenize is false')
  const decoder = found.added_tokens_decoder
  // As in transformers, which reads the older files only where the newer one does not say it.
  const older = !decoder && existsSync(ofNames) ? readJsonFile(ofNames, names) : {}
  const { additional_special_tokens: additional, extra_special_tokens: extra, ...all } = { ...found, ...older }
  for (const list of [additional, extra]) if (list && Object.keys(list).length > 0) throw notMade(ofConfig, MORE)
  const ids = decoder
    ? new Map(Object.entries(decoder).map(([id, { content }]) => [content, Number(id)]))
    : existsSync(ofAdded)
      ? new Map(Object.entries(readJsonFile(ofAdded, z.record(z.string().min(1), z.int().min(0)))))
      : new Map<string, number>()
  const specials = Object.fromEntries(
    NAMES.flatMap((name) => {
      const told = (all as Record<string, z.output<typeof token> | null | undefined>)[`${name}_token`] ?? defaults[name]
      return told === undefined ? [] : [[name, typeof told === 'string' ? special(told) : { ...told, special: true }]]
    }),
  ) as Settings['named']
  const isSpecial = (text: string) => Object.values(specials).some(({ content }) => content === text)
  const flags = new Map(Object.values(decoder ?? {}).map((each) => [each.content, each]))
  const added = [...ids]
    .sort(([, a], [, b]) => a - b)
    .map(([text]) => flags.get(text) ?? { ...special(text), special: isSpecial(text), normalized: !isSpecial(text) })
  return { ...all, named: specials, ids, added }
}

const MORE = 'it has special tokens besides those of the model'

export const special = (content: string): AddedToken => addedToken.parse({ content })

/** A tokenizer that is not made here, and how Python makes it. */
export const notMade = (at: string, why: string) =>
  new UserError({
    at,
    problem: `there is no tokenizer.json, and none is made of the vocabulary here: ${why}.`,
    remedy: "Make it in Python: AutoTokenizer.from_pretrained('FOLDER').save_pretrained('FOLDER').",
  })
