import { z } from 'zod'
import { UserError } from '../../base/error.js'
import { shortened } from '../../base/text/shortened.js'

/** A dimension, at most `most`: the file's numbers decide how much memory is allocated. */
export const size = (most: number) =>
  z
    .int('a whole number above 0')
    .min(1, 'a whole number above 0')
    .max(most, `at most ${most.toLocaleString('en')}`)

/** A share such as a rate of dropout. */
export const fraction = () => {
  const expected = 'a number from 0 to below 1'
  return z.number(expected).min(0, expected).lt(1, expected)
}

export const flag = () => z.boolean('true or false').optional()

/** A number such as a deviation. */
export const positive = () => z.number('a number above 0').positive('a number above 0')

/** The rows of the embedding table of any family. */
export const tableKeys = { vocab_size: size(4_194_304).describe('Rows of the embedding table.') }

/** The dimensions that most encoders name alike. */
export const layerKeys = {
  hidden_size: size(65_536).describe('Width of the model.'),
  intermediate_size: size(1_048_576).describe('Width of a feed-forward sublayer.'),
  num_hidden_layers: size(1000).describe('Layers.'),
  num_attention_heads: size(4096).describe('Attention heads of a layer.'),
}

/** A token id; `tokenId` checks it against the vocabulary. */
export const token = () => z.unknown().optional().meta({ type: 'integer', minimum: 0 })

/**
 * Reads a config.json's keys by their schema, whose messages say what a value must be: `a whole number above 0`. A key
 * whose value is null counts as missing, as in transformers.
 * @throws UserError that names the file, the key and its value.
 */
export function readFields<Schema extends z.ZodType>(
  schema: Schema,
  json: Record<string, unknown>,
  at: string,
): z.output<Schema> {
  const present = Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null))
  const read = schema.safeParse(present)
  if (read.success) return read.data
  const { path, message } = read.error.issues[0]!
  throw notThat(String(path[0]), present[String(path[0])], message, at)
}

/** Returns the value of a key that is a token id of a vocabulary. @throws UserError where it is not. */
export function tokenId(
  fields: Record<string, unknown> & { vocab_size: number },
  key: string,
  at: string,
  otherwise: number | undefined,
): number {
  const value = fields[key] ?? otherwise
  const { vocab_size: vocabulary } = fields
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < vocabulary) return value as number
  throw notThat(key, value, `a token id, below vocab_size (${vocabulary})`, at)
}

/** Returns the error that a key's value is not what it must be. */
export function notThat(key: string, value: unknown, expected: string, at: string): UserError {
  const problem = value === undefined ? `${key} is missing` : `${key} is ${shortened(JSON.stringify(value))}`
  return new UserError({ at, problem: `${problem}; it must be ${expected}.` })
}
