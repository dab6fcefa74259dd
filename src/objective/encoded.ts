import type { Head } from '../backbone/family.js'
import { contextual, headLogits } from '../backbone/forward.js'
import type { Pass } from '../backbone/pass.js'
import { crossEntropy } from '../tensor/cross_entropy.js'
import tf from '../tensor/tf.cjs'
import {
  counted,
  type InputName,
  type Inputs,
  type InputValues,
  type LengthName,
  maskOf,
  type Objective,
  padded,
  type RowIds,
} from './objective.js'

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
  const inputs = { ids: source, mask: source_mask, ...(segments && { segments }) }
  return headLogits(pass, contextual(pass, inputs, head), head)
}

/** The inputs of which each text of a batch has one, with their length. */
export const textInputs = (segments: boolean): Omit<Inputs<LengthName>, 'target' | 'target_mask'> => ({
  source: 'source',
  source_mask: 'source',
  ...(segments && { segments: 'source' }),
})

export const textNames = (segments: boolean) => Object.keys(textInputs(segments)) as InputName[]

/** What an objective adds that reads one text or pair of each row. */
interface OfTexts extends Pick<Objective, 'numbers' | 'loss' | 'answers' | 'lossOf' | 'places'> {
  /** Whether there is a target for each token, or one for the row. */
  each: 'row' | 'token'
  /** How many ids of a row are of its first text. */
  first(row: RowIds): number
  /** The targets of rows [rows, length], and which of them count. */
  targets(rows: RowIds[], length: number): Pick<InputValues, 'target' | 'target_mask'>
}

/** Returns an objective of rows of one text or pair, whose targets are those of `own`. */
export function ofTexts(segments: boolean, { each, first, targets, ...own }: OfTexts): Objective {
  const target: LengthName = each === 'row' ? 'target' : 'source'
  return {
    inputs: { ...textInputs(segments), target, target_mask: target },
    lengths: (rows, pad) => ({ ...pad(Math.max(...rows.map(({ source }) => source.length)), 1), target: 1 }),
    pad: (rows, lengths, padId) => ({
      ...paddedTexts(
        rows.map((row) => ({ ids: row.source, first: first(row) })),
        lengths.source,
        padId,
        segments,
      ),
      ...targets(rows, lengths[target]),
    }),
    weight: ({ target_mask }) => counted(target_mask),
    asks: textNames(segments),
    ...own,
  }
}

/** The mean cross-entropy of a head's logits over the targets that count. */
export const classLoss =
  (head: Head): Objective['loss'] =>
  (pass, inputs, labelSmoothing) => {
    const [target, mask] = [inputs.target, inputs.target_mask].map((x) => tf.reshape(x, [-1]) as tf.Tensor1D)
    return crossEntropy(logitsOf(pass, inputs, head), target!, mask!, labelSmoothing)
  }
