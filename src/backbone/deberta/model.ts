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
import type { DebertaConfig } from './config.js'
import { byColumn, type DistanceOrder, distanceVectors } from './distance.js'
import {
  CLASSIFIER,
  DISTANCE_NORM,
  DISTANCES,
  EMBEDDING_NORM,
  normName,
  POOLER,
  POSITIONS,
  type Product,
  productName,
  SEGMENTS,
  WORDS,
} from './tensors.js'

type OfPass = Pass<DebertaConfig>

/** Runs the encoder; see Encoder. */
export function contextual(pass: OfPass, inputs: EncoderInputs, head: Head): Contextual {
  return pass.at('encoder', () => {
    const batch = inputs.ids.shape[0]
    const { embedded, mask, prompt } = promptBehindFirst(pass, embed(pass, inputs), inputs.mask)
    const bias = biasOf(pass, paddingMask(mask))
    const table = pass.weight(DISTANCES) as tf.Tensor2D
    const distances = pass.config.normsDistances ? centredNorm(pass, table, DISTANCE_NORM) : table
    let hidden = embedded
    for (let layer = 0; layer < pass.config.encoderLayers; layer++) {
      const inputs = { hidden, distances, bias: bias({ stack: 'encoder', layer, sublayer: 'attention' }) }
      const rows = { batch, firstAlone: readsFirstAlone(pass.config, layer, head) }
      hidden = inLayer(pass)(inputs, (pass, inputs) => encoderLayer(pass, layer, rows, inputs))
    }
    return { hidden, mask, batch, prompt }
  })
}

/** The words' vectors, with those of positions and token types where there are any, normed. → [batch·length, d] */
function embed(pass: OfPass, { ids, segments }: EncoderInputs): tf.Tensor2D {
  const { config } = pass
  const [batch, length] = ids.shape
  if (length > config.positions) throw new Error(`rows of ${length} tokens; the backbone takes ${config.positions}`)
  const table = (name: string) => pass.weight(name) as tf.Tensor2D
  let sum: tf.Tensor = tf.reshape(lookUp(table(WORDS), tf.reshape(ids, [-1])), [batch, length, config.dModel])
  if (config.biasedInput) sum = tf.add(sum, tf.slice(table(POSITIONS), [0, 0], [length, -1]))
  if (config.segments > 0) {
    const types = segments ?? tf.zeros<tf.Rank.R2>([batch, length], 'int32')
    sum = tf.add(sum, tf.reshape(lookUp(table(SEGMENTS), tf.reshape(types, [-1])), [batch, length, -1]))
  }
  const normed = centredNorm(pass, tf.reshape(sum, [-1, config.dModel]), EMBEDDING_NORM)
  return pass.dropout(normed, 'encoder.embedded')
}

interface LayerInputs extends Record<string, tf.Tensor> {
  hidden: tf.Tensor2D
  /** The table of distances, normed. */
  distances: tf.Tensor2D
  bias: tf.Tensor4D
}

interface Rows {
  batch: number
  firstAlone: boolean
}

/** hidden [batch·length, d], bias [batch, 1, 1, prefix + length] → the same, or of the first tokens [batch, d] */
function encoderLayer(pass: OfPass, layer: number, rows: Rows, inputs: LayerInputs): tf.Tensor2D {
  const attending: Site = { stack: 'encoder', layer, sublayer: 'attention' }
  const { hidden } = inputs
  const attended = postNormSublayer(pass, attending, rows.firstAlone ? firstOf({ ...rows, hidden }) : hidden, {
    norm: normName(attending),
    compute: () => attention(pass, attending, rows, inputs),
  })
  const feeding: Site = { stack: 'encoder', layer, sublayer: 'feed_forward' }
  return postNormSublayer(pass, feeding, attended, {
    norm: normName(feeding),
    compute: (h) => feedForward(pass, h, { wi: productName(layer, 'wi'), wo: productName(layer, 'wo') }),
  })
}

/**
 * Disentangled attention (arXiv 2006.03654 § 3.1) of some or all tokens to all of their row: scores are sums of content
 * to content, content to position and position to content, scaled by their number. hidden [batch·length, d] → the same,
 * or of the first tokens [batch, d]
 */
function attention(pass: OfPass, site: Site, { batch, firstAlone }: Rows, { hidden, distances, bias }: LayerInputs) {
  const { dKv, contentToPosition, positionToContent } = pass.config
  const scale = (dKv * (1 + Number(contentToPosition) + Number(positionToContent))) ** -0.5
  const product = (of: Product, x: tf.Tensor2D) => linearWithBias(pass, x, productName(site.layer, of))
  const queries = firstAlone ? firstOf({ hidden, batch }) : hidden
  const query = tf.mul(splitHeads(pass, product('q', queries), batch), scale) as tf.Tensor4D
  const ofAll = (of: 'k' | 'v') => splitHeads(pass, product(of, hidden), batch)
  const own = { keys: ofAll('k'), values: ofAll('v') }
  const { keys, values } = withPrefix(pass, site, own)
  const scored = { query, keys: own.keys, distances, scale }
  const byDistance = firstAlone ? distanceScoresOfFirst(pass, site, scored) : distanceScores(pass, site, scored)
  const prefix = keys.shape[2] - own.keys.shape[2]
  const ofKeys = prefix === 0 ? byDistance : tf.pad(byDistance, [NONE, NONE, NONE, [prefix, 0]])
  const ofContent = tf.matMul(query, keys, false, true)
  const scores: tf.Tensor4D = tf.add(tf.add(ofContent, ofKeys), bias) // [batch, heads, count, keys]
  const context = attended(scores, values, pass.dropout.kept(scores, `${siteName(site)}.weights`))
  return product('o', joinHeads(context))
}

const NONE: [number, number] = [0, 0]

interface Scored {
  /** Scaled. */
  query: tf.Tensor4D
  keys: tf.Tensor4D
  distances: tf.Tensor2D
  scale: number
}

/** What distances add to scores. query, keys [batch, heads, length, d_kv] → [batch, heads, length, length] */
function distanceScores(pass: OfPass, site: Site, scored: Scored): tf.Tensor4D {
  const { contentToPosition, positionToContent } = pass.config
  const { keysOf, queriesOf } = distanceHeads(pass, site, scored)
  const scores: tf.Tensor4D[] = []
  if (contentToPosition) scores.push(byColumn(timesEach(scored.query, keysOf('descending'))))
  // the rows are keys and the columns queries, along which the distance grows
  if (positionToContent)
    scores.push(tf.transpose(byColumn(timesEach(scored.keys, queriesOf('ascending'))), [0, 1, 3, 2]))
  return tf.transpose(tf.addN(scores), [1, 0, 2, 3])
}

/**
 * As `distanceScores`, for each row's first token alone. query [batch, heads, 1, d_kv], keys [batch, heads, length,
 * d_kv] → [batch, heads, 1, length]
 */
function distanceScoresOfFirst(pass: OfPass, site: Site, scored: Scored): tf.Tensor4D {
  const { query, keys } = scored
  const { keysOf, queriesOf } = distanceHeads(pass, site, scored)
  const scores: tf.Tensor4D[] = []
  if (pass.config.contentToPosition) scores.push(tf.transpose(timesEach(query, keysOf('ofFirst')), [1, 0, 2, 3]))
  if (pass.config.positionToContent) {
    const ofEach = tf.sum(tf.mul(keys, queriesOf('ofFirst')), 3) // [batch, heads, length]
    scores.push(tf.expandDims(ofEach, 2) as tf.Tensor4D)
  }
  return tf.addN(scores)
}

/** Keys and queries of distances in an order, each [heads, 2·length or length, d_kv], the queries scaled. */
function distanceHeads(pass: OfPass, site: Site, { keys, distances, scale }: Scored) {
  const { config } = pass
  const dropped = pass.dropout(distances, `${siteName(site)}.distances`)
  const heads = (of: Product, order: DistanceOrder) => {
    const vectors = distanceVectors(config, dropped, keys.shape[2], order)
    const rows = tf.reshape(linearWithBias(pass, vectors, productName(site.layer, of)), [-1, config.heads, config.dKv])
    return tf.transpose(rows, [1, 0, 2]) as tf.Tensor3D
  }
  const [k, q] = config.sharesProducts ? (['k', 'q'] as const) : (['distance_k', 'distance_q'] as const)
  return {
    keysOf: (order: DistanceOrder) => heads(k, order),
    queriesOf: (order: DistanceOrder) => tf.mul(heads(q, order), scale) as tf.Tensor3D,
  }
}

/** x [batch, heads, length, d_kv] by the vectors of its head [heads, count, d_kv] → [heads, batch, length, count] */
function timesEach(x: tf.Tensor4D, vectors: tf.Tensor3D): tf.Tensor4D {
  const [batch, heads, length, dKv] = x.shape
  const rows = tf.reshape(tf.transpose(x, [1, 0, 2, 3]), [heads, batch * length, dKv])
  return tf.reshape(tf.matMul(rows, vectors, false, true), [heads, batch, length, -1])
}

/** Returns the logits of a head; see Encoder. */
export function headLogits(pass: OfPass, encoded: Contextual, { kind }: Head): tf.Tensor2D {
  return pass.at('head', () => {
    if (kind === 'tokens') return linearWithBias(pass, pass.dropout(tokensOf(encoded), 'head'), CLASSIFIER)
    const activate = nonlinearities[pass.config.poolerActivation]<tf.Tensor2D>
    const pooled = activate(linearWithBias(pass, firstOf(encoded), POOLER))
    return linearWithBias(pass, pass.dropout(pooled, 'head'), CLASSIFIER)
  })
}
