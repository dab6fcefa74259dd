import type { Contextual } from '../backbone/encoder.js'
import type { Head } from '../backbone/family.js'
import { contextual, headLogits } from '../backbone/forward.js'
import type { Pass } from '../backbone/pass.js'
import type tf from '../tensor/tf.cjs'
import { type InputName, type Inputs, type LengthName, maskOf, padded } from './objective.js'

/** A text or a pair of texts as an encoder reads it: its ids, and how many of them are of the first text. */
export interface EncodedText {
  ids: Int32Array
  first: number
}

/**
 * Pads texts on the right to one length; tokens of the second text are in segment 1, for a backbone that reads
 * `segments`.
 */
export function paddedTexts(texts: EncodedText[], length: number, padId: number, segments: boolean) {
  const ids = texts.map(({ ids }) => ids)
  const ofSecond = () => texts.map(({ ids, first }) => new Int32Array(ids.length).fill(1, first))
  return {
    source: padded(ids, length, padId),
    source_mask: maskOf(ids, length),
    ...(segments && { segments: padded(ofSecond(), length, 0) }),
  }
}

/** The logits of a head for each text, or for each token of it; inputs [texts, length]. */
export function logitsOf(
  pass: Pass,
  { source, source_mask, segments }: Pick<Inputs<tf.Tensor2D>, 'source' | 'source_mask' | 'segments'>,
  head: Head,
): tf.Tensor2D {
  const encoded: Contextual = contextual(pass, { ids: source, mask: source_mask, ...(segments && { segments }) })
  return headLogits(pass, encoded, head)
}

/** The inputs of which each text of a batch has one, with their length. */
export const textInputs = (segments: boolean): Omit<Inputs<LengthName>, 'target' | 'target_mask'> => ({
  source: 'source',
  source_mask: 'source',
  ...(segments && { segments: 'source' }),
})

export const textNames = (segments: boolean) => Object.keys(textInputs(segments)) as InputName[]
