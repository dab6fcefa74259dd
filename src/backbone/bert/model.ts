import { attended } from '../../tensor/attended.js'
import { lookUp } from '../../tensor/embedding.js'
import { nonlinearities } from '../../tensor/nonlinearity.js'
import tf from '../../tensor/tf.cjs'
import { biasOf, joinHeads, paddingMask, splitHeads, withPrefix } from '../attention.js'
import type { Contextual, EncoderInputs } from '../encoder.js'
import { firstOf, promptBehindFirst, readsFirstAlone, tokensOf } from '../encoder_rows.js'
import type { Head } from '../family.js'
import { type Site, siteName } from '../hooks.js'
import { centredNorm, inLayer, linearWithBias, type Pass } from '../pass.js'
import { feedForward, postNormSublayer } from '../post_norm.js'
import { type BertConfig, longestRow } from './config.js'
import { embeddingName, embeddingNorm, embeddingProjection, normName, productName, TYPES } from './names.js'

/** Runs the encoder; see Encoder. */
export function contextual(pass: Pass<BertConfig>, inputs: EncoderInputs, head: Head): Contextual {
  return pass.at('encoder', () => {
    const batch = inputs.ids.shape[0]
    const { embedded, mask, prompt } = promptBehindFirst(pass, embed(pass, inputs), inputs.mask)
    const bias = biasOf(pass, paddingMask(mask))
    let hidden = embedded
    for (let layer = 0; layer < pass.config.encoderLayers; layer++) {
      const inputs = { hidden, bias: bias({ stack: 'encoder', layer, sublayer: 'attention' }) }
      const rows = { batch, firstAlone: readsFirstAlone(pass.config, layer, head) }
      hidden = inLayer(pass)(inputs, (pass, inputs) => encoderLayer(pass, layer, rows, inputs))
    }
    return { hidden, mask, batch, prompt }
  })
}

/** Sums of word, token type and position, normed. → [batch·length, d] */
function embed(pass: Pass<BertConfig>, { ids, segments }: EncoderInputs): tf.Tensor2D {
  const { modelType, embeddingSize, dModel } = pass.config
  const [batch, length] = ids.shape
  if (length > longestRow(pass.config))
    throw new Error(`rows of ${length} tokens; the backbone has positions for ${longestRow(pass.config)}`)
  const table = (of: 'word' | 'position' | 'token_type') =>
    pass.weight(`${embeddingName(modelType, of)}.weight`) as tf.Tensor2D
  const words = tf.reshape(lookUp(table('word'), tf.reshape(ids, [-1])), [batch, length, embeddingSize])
  const typed = tf.add(words, segmentVectors(pass, segments, table))
  const summed = tf.add(typed, positionVectors(pass, ids, table('position')))
  const normed = centredNorm(pass, tf.reshape(summed, [-1, embeddingSize]), embeddingNorm(modelType))
  const dropped = pass.dropout(normed, 'encoder.embedded')
  return embeddingSize === dModel ? dropped : linearWithBias(pass, dropped, embeddingProjection(modelType))
}

/** → [batch, length, d], or what is broadcast to it */
function segmentVectors(
  { config }: Pass<BertConfig>,
  segments: tf.Tensor2D | undefined,
  table: (of: 'token_type') => tf.Tensor2D,
): tf.Tensor {
  if (config.segments === 0) return tf.scalar(0)
  const types = table('token_type')
  if (segments === undefined || config.segments === 1) return tf.slice(types, [0, 0], [1, -1])
  return tf.reshape(lookUp(types, tf.reshape(segments, [-1])), [...segments.shape, -1])
}

/** → [batch, length, d], or what is broadcast to it */
function positionVectors({ config }: Pass<BertConfig>, ids: tf.Tensor2D, table: tf.Tensor2D): tf.Tensor {
  const [, length] = ids.shape
  if (!TYPES[config.modelType].positionsAfterPadding) return tf.slice(table, [0, 0], [length, -1])
  const places = positionsAfterPadding(ids, config.padId)
  return tf.reshape(lookUp(table, tf.reshape(places, [-1])), [...ids.shape, -1])
}

/** RoBERTa's positions: padId + 1, padId + 2, … over ids that are not padding, padId at padding. [batch, length] */
export function positionsAfterPadding(ids: tf.Tensor2D, padId: number): tf.Tensor2D {
  const tokens = tf.cast(tf.notEqual(ids, tf.scalar(padId, 'int32')), 'int32')
  return tf.add(tf.mul(tf.cumsum(tokens, 1), tokens), tf.scalar(padId, 'int32'))
}

/** hidden [batch·length, d], bias [batch, 1, 1, prefix + length] → the same, or of the first tokens [batch, d] */
function encoderLayer(
  pass: Pass<BertConfig>,
  layer: number,
  { batch, firstAlone }: { batch: number; firstAlone: boolean },
  { hidden, bias }: { hidden: tf.Tensor2D; bias: tf.Tensor4D },
): tf.Tensor2D {
  const { modelType } = pass.config
  const attending: Site = { stack: 'encoder', layer, sublayer: 'attention' }
  const attended = postNormSublayer(pass, attending, firstAlone ? firstOf({ hidden, batch }) : hidden, {
    norm: normName(modelType, attending),
    drops: TYPES[modelType].dropsAttentionOutput,
    compute: (queries) => attention(pass, attending, { queries, hidden }, batch, bias),
  })
  const feeding: Site = { stack: 'encoder', layer, sublayer: 'feed_forward' }
  const [wi, wo] = [productName(modelType, layer, 'wi'), productName(modelType, layer, 'wo')]
  return postNormSublayer(pass, feeding, attended, {
    norm: normName(modelType, feeding),
    compute: (h) => feedForward(pass, h, { wi, wo }),
  })
}

/**
 * Multi-head attention, scaled by 1/√d_kv, of some or all tokens to all of their row. queries [batch·count, d], hidden
 * [batch·length, d], bias broadcast to [batch, heads, count, keys] → [batch·count, d]
 */
function attention(
  pass: Pass<BertConfig>,
  site: Site,
  { queries, hidden }: { queries: tf.Tensor2D; hidden: tf.Tensor2D },
  batch: number,
  bias: tf.Tensor4D,
): tf.Tensor2D {
  const { modelType, dKv } = pass.config
  const product = (of: 'q' | 'k' | 'v' | 'o', x: tf.Tensor2D) =>
    linearWithBias(pass, x, productName(modelType, site.layer, of))
  const query = splitHeads(pass, tf.mul(product('q', queries), dKv ** -0.5), batch)
  const ofAll = (of: 'k' | 'v') => splitHeads(pass, product(of, hidden), batch)
  const own = { keys: ofAll('k'), values: ofAll('v') }
  const { keys, values } = withPrefix(pass, site, own)
  const scores: tf.Tensor4D = tf.add(tf.matMul(query, keys, false, true), bias) // [batch, heads, count, keys]
  const context = attended(scores, values, pass.dropout.kept(scores, `${siteName(site)}.weights`))
  return product('o', joinHeads(context))
}

/** Returns the logits of a head; see Encoder. */
export function headLogits(pass: Pass<BertConfig>, encoded: Contextual, { kind }: Head): tf.Tensor2D {
  return pass.at('head', () => {
    const { layer, last } = TYPES[pass.config.modelType].heads[kind]
    const read = kind === 'tokens' ? tokensOf(encoded) : firstOf(encoded)
    if (!layer) return linearWithBias(pass, pass.dropout(read, 'head'), last)
    const input = layer.dropsInput ? pass.dropout(read, 'head.input') : read
    const inner = nonlinearities[layer.activation]<tf.Tensor2D>(linearWithBias(pass, input, layer.name))
    return linearWithBias(pass, pass.dropout(inner, 'head'), last)
  })
}
