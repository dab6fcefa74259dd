import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { FORMATS } from '../base/choices.js'
import { readJsonFile } from '../base/files/json_file.js'
import { locatedPlaces, storedPlaces } from '../experiment/places.js'
import { experimentSchema } from '../experiment/schema.js'
import { asItWasMade } from './earlier.js'

/** The name of the JSON file that is in every export. */
export const CARD = 'compacter.json'

/** A card has a few KB. */
const CARD_LIMIT = 1_000_000

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const cardSchema = z.strictObject({
  format: z.enum(FORMATS),
  compacter: z.string(),
  method: z.looseObject({ kind: z.string() }),
  backbone: z.strictObject({ name: z.string(), sha256: sha256, tokenizer_sha256: sha256.optional() }),
  /** The hashes of the rows that it was trained and scored on, by split; exports of earlier versions lack them. */
  data_sha256: z.record(z.string(), sha256).optional(),
  task: z.string(),
  /** The metrics of the run that the tensors come from; null if it was not finished. */
  metrics: z.record(z.string(), z.record(z.string(), z.number())).nullable(),
  trained_parameters: z.int(),
  experiment: z.preprocess(asItWasMade, experimentSchema),
})
export type Card = z.infer<typeof cardSchema>

/**
 * Returns the card as JSON, with paths into the toolkit made relative to it, so that they mean the same on another
 * machine.
 */
export const cardText = (card: Card): string =>
  `${JSON.stringify({ ...card, experiment: storedPlaces(card.experiment) }, null, 2)}\n`

export const hasCard = (folder: string): boolean => existsSync(join(folder, CARD))

/**
 * Reads the card of an exported folder.
 * @throws UserError naming the file, and the key if one is at fault: too large, not JSON, a key missing, wrong or
 *   unknown.
 */
export function readCard(folder: string): Card {
  const at = join(folder, CARD)
  const remedy = 'It is not an export of compacter, or comes from another version.'
  const card = readJsonFile(at, cardSchema, { limit: CARD_LIMIT, remedy })
  return { ...card, experiment: locatedPlaces(card.experiment, folder, at) }
}
