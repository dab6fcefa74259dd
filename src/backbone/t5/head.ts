import { UserError } from '../../base/error.js'
import { openSafetensors, type SafetensorsFile } from '../../base/safetensors/safetensors.js'
import { sameValues } from '../files/stored.js'
import { findWeights } from '../files/weight_files.js'

/** What weight files hold under `lm_head.weight`: nothing, a copy of the embedding table, or other values. */
export type StoredHead = 'none' | 'copy' | 'own'

/** What a `config.json` says of the head; a missing key is undefined. */
export interface StatedHead {
  modelType: 't5' | 'mt5'
  /** `tie_word_embeddings`. Transformers 5 writes true for every T5, even if it has its own head. */
  tied: boolean | undefined
  /** `scale_decoder_outputs`, which only transformers 5 writes. */
  scaled: boolean | undefined
}

export interface Head {
  /** Whether the head is the embedding table. */
  tiedHead: boolean
  /** Whether the decoder's output is multiplied by dModel^-½ before the head. */
  scaledHead: boolean
}

const HEAD = 'lm_head.weight'
const TABLES = ['shared.weight', 'encoder.embed_tokens.weight', 'decoder.embed_tokens.weight']

/**
 * Returns the head as transformers 5 makes it of a `config.json` (at `at`) and weights: the weights decide whether it
 * is tied, the file whether it is scaled. Without weights it is as in the pretrained models: its own matrix if it is
 * not scaled.
 * @throws UserError where transformers 4 and 5 would make different models of these files.
 */
export function headOf(stated: StatedHead, at: string, stored?: StoredHead): Head {
  const scaledHead = isScaled(stated, at)
  if (stored === undefined) return { tiedHead: stated.tied !== false && scaledHead, scaledHead }
  if (stored === 'none' && stated.tied === false) throw noHead(at)
  if (stored === 'own' && stated.modelType === 't5' && stated.tied !== false && stated.scaled === undefined)
    throw headTooMany(at)
  return { tiedHead: stored === 'none' || (stored === 'copy' && stated.tied !== false), scaledHead }
}

/** An mT5 is never scaled. Older files of a T5 show it only by `tie_word_embeddings`. */
function isScaled({ modelType, tied, scaled }: StatedHead, at: string): boolean {
  if (modelType === 'mt5') return false
  if (tied === false && scaled === true) {
    throw new UserError({
      at,
      problem:
        'tie_word_embeddings is false and scale_decoder_outputs true: transformers 4 does not scale the output ' +
        'of such a decoder, transformers 5 does.',
      remedy:
        'Set tie_word_embeddings to true (the weights tell whether the head is its own), and ' +
        'scale_decoder_outputs to what the model was trained with: true for a T5 v1.0, false for a v1.1.',
    })
  }
  return scaled ?? tied !== false
}

const noHead = (at: string) =>
  new UserError({
    at,
    problem: `tie_word_embeddings is false, but the weights have no ${HEAD}.`,
    remedy:
      'Take config.json and weights from the same model. If its head is the embedding table, set ' +
      'tie_word_embeddings to true; and for a T5 (not an mT5) scale_decoder_outputs to false if it was trained ' +
      'as v1.1 is, to true if as v1.0.',
  })

const headTooMany = (at: string) =>
  new UserError({
    at,
    problem:
      `says that the head is the embedding table, but the weights have another ${HEAD}: transformers 4 ` +
      'leaves it aside, transformers 5 takes it.',
    remedy:
      'If it is the head, add scale_decoder_outputs: false for a T5 v1.1, true if the output of the decoder was ' +
      'scaled in front of it. If it is left over, remove it from the weights.',
  })

function storedHead(files: SafetensorsFile[]): StoredHead {
  const find = (name: string) => {
    const file = files.find(({ entries }) => entries.has(name))
    return file && { file, name }
  }
  const head = find(HEAD)
  if (!head) return 'none'
  const table = TABLES.map(find).find(Boolean)
  return table && !sameValues(head, table) ? 'own' : 'copy'
}

/**
 * As `storedHead`, for a folder; undefined where weights are missing or damaged, which is reported when they are
 * opened.
 */
export function headIn(folder: string): StoredHead | undefined {
  const opened: SafetensorsFile[] = []
  try {
    for (const file of findWeights(folder)) opened.push(openSafetensors(file))
    return storedHead(opened)
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  } finally {
    for (const file of opened) file.close()
  }
}
