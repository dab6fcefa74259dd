import { attended } from '../../tensor/attended.js'
import { lookUp } from '../../tensor/embedding.js'
import { nonlinearities } from '../../tensor/nonlinearity.js'
import tf from '../../tensor/tf.cjs'
import { biasOf, joinHeads, paddingMask, splitHeads, withPrefix } from '../attention.js'
import type { Contextual, EncoderInputs, LengthConstant } from '../encoder.js'
import { firstOf, meanOf, promptBehindFirst, readsFirstAlone, tokensOf } from '../encoder_rows.js'
import type { Head } from '../family.js'
import { type Site, siteName } from '../hooks.js'
import { centredNorm, inLayer, linear, linearWithBias, type Pass } from '../pass.js'
import type { ModernBertConfig } from './config.js'
import { frequenciesOf, type Rotation, rotated, rotationOf } from './rotation.js'
import {
  CLASSIFIER,
  EMBEDDING_NORM,
  EMBEDDINGS,
  FINAL_NORM,
  HEAD_DENSE,
  HEAD_NORM,
  normName,
  type Product,
  productName,
} from './tensors.js'

type OfPass = Pass<ModernBertConfig>

/** Runs the encoder; see Encoder. */
export function contextual(pass: OfPass, { ids, mask: own }: EncoderInputs, head: Head): Contextual {
  return pass.at('encoder', () => {
    const { dKv, theta, window, positions, pooling } = pass.config
    const batch = ids.shape[0]
    if (ids.shape[1] > positions) throw new Error(`rows of ${ids.shape[1]} tokens; the backbone takes ${positions}`)
    const looked = lookUp(pass.weight(EMBEDDINGS) as tf.Tensor2D, tf.reshape(ids, [-1]))
    const normed = pass.dropout(norm(pass, looked, EMBEDDING_NORM), 'encoder.embedded')
    const { embedded, mask, prompt } = promptBehindFirst(pass, normed, own)
    const length = mask.shape[1]
    const padding = paddingMask(mask)
    const near = tf.add(padding, windowMask(length, window)) as tf.Tensor4D
    const [global, local] = [biasOf(pass, padding), biasOf(pass, near)]
    const rotations = { global: rotationOf(length, dKv, theta.global), local: rotationOf(length, dKv, theta.local) }
    let hidden = embedded
    for (let layer = 0; layer < pass.config.encoderLayers; layer++) {
      const all = pass.config.global[layer]!
      const bias = (all ? global : local)({ stack: 'encoder', layer, sublayer: 'attention' })
      const inputs = { hidden, bias, ...(all ? rotations.global : rotations.local) }
      const rows = { batch, firstAlone: pooling === 'cls' && readsFirstAlone(pass.config, layer, head) }
      hidden = inLayer(pass)(inputs, (pass, inputs) => encoderLayer(pass, layer, rows, inputs))
    }
    return { hidden: norm(pass, hidden, FINAL_NORM), mask, batch, prompt }
  })
}

const norm = (pass: OfPass, x: tf.Tensor2D, module: string) => centredNorm(pass, x, module, pass.config.biases.norms)

/** A product of a layer. x [rows, in] → [rows, out] */
function product(pass: OfPass, x: tf.Tensor2D, layer: number, of: Product): tf.Tensor2D {
  const { attention, feed_forward } = pass.config.biases
  const module = productName(layer, of)
  const biased = of === 'qkv' || of === 'o' ? attention : feed_forward
  return biased ? linearWithBias(pass, x, module) : linear(pass, x, `${module}.weight`)
}

/** 0 where two positions are at most `window` apart, else −1e9 → [1, 1, length, length] */
function windowMask(length: number, window: number): tf.Tensor4D {
  const value = hidesBeyond(window)
  const values = Float32Array.from({ length: length * length }, (_, at) =>
    value((at % length) - Math.floor(at / length)),
  )
  return tf.tensor4d(values, [1, 1, length, length])
}

const hidesBeyond = (window: number) => (relative: number) => (Math.abs(relative) <= window ? 0 : -1e9)

/** What is made of positions alone: the mask of near ones, and rotations. */
export const lengthConstants = ({ dKv, theta, window }: ModernBertConfig): LengthConstant[] => [
  { kind: 'pairs', value: hidesBeyond(window), furthest: window + 1 },
  ...[theta.global, theta.local].flatMap((each) =>
    (['cos', 'sin'] as const).map((of) => ({ kind: 'angles' as const, frequencies: frequenciesOf(dKv, each), of })),
  ),
]

interface LayerInputs extends Rotation, Record<string, tf.Tensor> {
  hidden: tf.Tensor2D
  bias: tf.Tensor4D
}

interface Rows {
  batch: number
  firstAlone: boolean
}

/**
 * hidden [batch·length, d], bias [batch, 1, 1 or length, prefix + length] → [batch·length, d], or of the first tokens
 * [batch, d]
 */
function encoderLayer(pass: OfPass, layer: number, rows: Rows, inputs: LayerInputs): tf.Tensor2D {
  const { hidden } = inputs
  const read = rows.firstAlone ? firstOf({ ...rows, hidden }) : hidden
  const attending: Site = { stack: 'encoder', layer, sublayer: 'attention' }
  const attended = sublayer(pass, attending, { read, all: hidden }, (normed) =>
    pass.dropout(attention(pass, attending, rows, normed, inputs), siteName(attending)),
  )
  const feeding: Site = { stack: 'encoder', layer, sublayer: 'feed_forward' }
  return sublayer(pass, feeding, { read: attended, all: attended }, (normed) => feedForward(pass, feeding, normed))
}

/**
 * h + hook(S(LN(all)), h), where h is `read`: pre-norm, the method sees the sublayer's output and input. read, result
 * [rows, d]; all, of which S gives as many rows
 */
function sublayer(
  pass: OfPass,
  site: Site,
  { read, all }: { read: tf.Tensor2D; all: tf.Tensor2D },
  compute: (normed: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  return pass.at(siteName(site), () => {
    const module = normName(site)
    const output = compute(module === undefined ? all : norm(pass, all, module))
    return tf.add(read, pass.hooks.sublayerOutput?.(site, output, read) ?? output)
  })
}

/**
 * Multi-head attention with rotated queries and keys, scaled by 1/√d_kv, of some or all tokens to all of their row. x
 * [batch·length, d] → the same, or of the first tokens [batch, d]
 */
function attention(pass: OfPass, site: Site, { batch, firstAlone }: Rows, x: tf.Tensor2D, inputs: LayerInputs) {
  const { dKv } = pass.config
  const { bias: ofAll, cos, sin } = inputs
  const parts = tf.split(product(pass, x, site.layer, 'qkv'), 3, 1) as tf.Tensor2D[]
  const [q, k, values] = parts.map((part) => splitHeads(pass, part, batch))
  const rotatedQueries = rotated(q!, { cos, sin })
  const [queries, bias] = firstAlone ? [firstQuery(rotatedQueries), firstQuery(ofAll)] : [rotatedQueries, ofAll]
  const query = tf.mul(queries, dKv ** -0.5)
  const memory = withPrefix(pass, site, { keys: rotated(k!, { cos, sin }), values: values! })
  const scores: tf.Tensor4D = tf.add(tf.matMul(query, memory.keys, false, true), bias) // [batch, heads, count, keys]
  const context = attended(scores, memory.values, pass.dropout.kept(scores, `${siteName(site)}.weights`))
  return product(pass, joinHeads(context), site.layer, 'o')
}

/** [batch, heads, queries, columns] → [batch, heads, 1, columns] */
const firstQuery = (x: tf.Tensor4D): tf.Tensor4D => tf.slice(x, [0, 0, 0, 0], [-1, -1, 1, -1])

/** wo·dropout(f(a)·b) for wi·x = (a, b). x, result [rows, d] */
function feedForward(pass: OfPass, site: Site, x: tf.Tensor2D): tf.Tensor2D {
  const [input, gate] = tf.split(product(pass, x, site.layer, 'wi'), 2, 1) as [tf.Tensor2D, tf.Tensor2D]
  const inner: tf.Tensor2D = tf.mul(nonlinearities[pass.config.activation]<tf.Tensor2D>(input), gate)
  return product(pass, pass.dropout(inner, siteName(site)), site.layer, 'wo')
}

/** Returns the logits of a head; see Encoder. */
export function headLogits(pass: OfPass, encoded: Contextual, { kind }: Head): tf.Tensor2D {
  return pass.at('head', () => {
    const { pooling, headActivation } = pass.config
    const read = kind === 'tokens' ? tokensOf(encoded) : pooling === 'cls' ? firstOf(encoded) : meanOf(encoded)
    const inner = nonlinearities[headActivation]<tf.Tensor2D>(linear(pass, read, `${HEAD_DENSE}.weight`))
    return linearWithBias(pass, pass.dropout(norm(pass, inner, HEAD_NORM), 'head'), CLASSIFIER)
  })
}
