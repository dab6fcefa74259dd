import { lookUp } from '../../tensor/embedding.js'
import { nonlinearities, relu } from '../../tensor/nonlinearity.js'
import tf from '../../tensor/tf.cjs'
import { biasOf, paddingMask, withPrefix } from '../attention.js'
import type { Encoded, KeyValue, Memory, Remembered } from '../encoder_decoder.js'
import { type Site, type Stack, type Sublayer, siteName } from '../hooks.js'
import { inLayer, layerNorm, linear, type Pass } from '../pass.js'
import { attention, attentionOver, fewQueries, keyValue } from './attention.js'
import type { T5Config } from './config.js'
import { causalMask, positionBias } from './position.js'
import { HEAD, layerName, normName, sublayerName, TABLE } from './tensors.js'

/**
 * Runs the encoder. ids and attentionMask [batch, length], int32, the mask 1 at tokens and 0 at padding. A prompt of
 * the method comes before each row.
 */
export function encode(pass: Pass<T5Config>, ids: tf.Tensor2D, attentionMask: tf.Tensor2D): Encoded {
  return pass.at('encoder', () => {
    const batch = ids.shape[0]
    const { embedded, mask } = withPrompt(pass, embed(pass, ids), paddingMask(attentionMask), batch)
    const length = mask.shape[3]
    const bias = biasOf(pass, tf.add(positionBias(pass, 'encoder', length, length), mask))
    let hidden = pass.dropout(embedded, 'encoder.embedded')
    for (let layer = 0; layer < pass.config.encoderLayers; layer++) {
      const inputs = { hidden, bias: bias(site('encoder', layer, 'attention')) }
      hidden = inLayer(pass)(inputs, (pass, inputs) => encoderLayer(pass, layer, batch, inputs))
    }
    return { hidden: finalNorm(pass, 'encoder', hidden), mask, batch }
  })
}

/** hidden [batch·length, d], bias [batch, heads, length, prefix + length] → [batch·length, d] */
function encoderLayer(
  pass: Pass<T5Config>,
  layer: number,
  batch: number,
  { hidden, bias }: { hidden: tf.Tensor2D; bias: tf.Tensor },
): tf.Tensor2D {
  const place = site('encoder', layer, 'attention')
  const attended = sublayer(pass, place, hidden, (normed, name) =>
    attention(pass, name, normed, withPrefix(pass, place, keyValue(pass, name, normed, batch)), bias),
  )
  return sublayer(pass, site('encoder', layer, 'feed_forward'), attended, (normed, name) =>
    feedForward(pass, name, normed),
  )
}

/**
 * Returns what every cross-attention reads, computed once for a batch however many tokens are decoded: keys and values,
 * unless it is known that there will be few `queries` per row.
 */
export function remember(pass: Pass<T5Config>, encoded: Encoded): { layers: KeyValue[]; mask: tf.Tensor4D }
export function remember(pass: Pass<T5Config>, encoded: Encoded, queries: number): Memory
export function remember(
  pass: Pass<T5Config>,
  { hidden, mask, batch }: Encoded,
  queries = Number.POSITIVE_INFINITY,
): Memory {
  const length = mask.shape[3]
  const whole = { encoded: tf.reshape(hidden, [batch, length, -1]) as tf.Tensor3D }
  const layers = Array.from({ length: pass.config.decoderLayers }, (_, layer) => {
    const place = site('decoder', layer, 'cross_attention')
    const name = sublayerName(place)
    if (fewQueries(pass, name, length, queries)) return whole
    return pass.at(siteName(place), () => withPrefix(pass, place, keyValue(pass, name, hidden, batch)))
  })
  return { layers, mask }
}

/**
 * Runs the decoder on ids [batch, length] that follow what `past` holds (keys and values of each layer's
 * self-attention). Returns hidden [batch·length, d] and the past that now includes these ids.
 */
export function decode(pass: Pass<T5Config>, ids: tf.Tensor2D, memory: Memory, past?: KeyValue[]) {
  return pass.at('decoder', () => {
    const [batch, length] = ids.shape
    const from = past?.[0]?.keys.shape[2] ?? 0
    const keys = from + length
    const bias = biasOf(pass, tf.add(positionBias(pass, 'decoder', length, keys, from), causalMask(length, keys, from)))
    const mask = biasOf(pass, memory.mask)
    const present: KeyValue[] = []
    let hidden = pass.dropout(embed(pass, ids), 'decoder.embedded')
    for (let layer = 0; layer < pass.config.decoderLayers; layer++) {
      const [self, cross] = [site('decoder', layer, 'attention'), site('decoder', layer, 'cross_attention')]
      const inputs = { hidden, bias: bias(self), mask: mask(cross), ...memory.layers[layer]! }
      hidden = inLayer(pass)(inputs, (pass, { hidden, bias, mask, ...remembered }) => {
        const attended = sublayer(pass, self, hidden, (normed, name) => {
          const own = append(past?.[layer], keyValue(pass, name, normed, batch))
          present[layer] = own
          return attention(pass, name, normed, withPrefix(pass, self, own), bias)
        })
        const crossed = sublayer(pass, cross, attended, (normed) =>
          crossAttention(pass, cross, normed, remembered, mask),
        )
        return sublayer(pass, site('decoder', layer, 'feed_forward'), crossed, (normed, name) =>
          feedForward(pass, name, normed),
        )
      })
    }
    return { hidden: finalNorm(pass, 'decoder', hidden), past: present }
  })
}

const crossAttention = (pass: Pass<T5Config>, site: Site, x: tf.Tensor2D, remembered: Remembered, mask: tf.Tensor4D) =>
  'keys' in remembered
    ? attention(pass, sublayerName(site), x, remembered, mask)
    : attentionOver(pass, site, x, remembered.encoded, mask)

/** Returns the logits of the decoder's output. hidden [rows, d] → [rows, vocabulary] */
export function head(pass: Pass<T5Config>, hidden: tf.Tensor2D): tf.Tensor2D {
  return pass.at('head', () => {
    const { tiedHead, scaledHead, dModel } = pass.config
    const scaled = scaledHead ? tf.mul<tf.Tensor2D>(hidden, dModel ** -0.5) : hidden
    return linear(pass, scaled, HEAD, { matrix: tiedHead ? TABLE : HEAD })
  })
}

const site = (stack: Stack, layer: number, sublayer: Sublayer): Site => ({ stack, layer, sublayer })

/** h + dropout(hook(S(LN(h)), h)): pre-norm, the method sees the sublayer's output and input. h, result [rows, d] */
function sublayer(
  pass: Pass<T5Config>,
  site: Site,
  h: tf.Tensor2D,
  compute: (normed: tf.Tensor2D, name: string) => tf.Tensor2D,
): tf.Tensor2D {
  return pass.at(siteName(site), () => {
    const output = compute(layerNorm(pass, h, normName(site)), sublayerName(site))
    const adapted = pass.hooks.sublayerOutput?.(site, output, h) ?? output
    return tf.add(h, pass.dropout(adapted, layerName(site)))
  })
}

/** wo·dropout(f(wi·x)); gated: wo·dropout(f(wi_0·x)·(wi_1·x)). x, result [rows, d] */
function feedForward(pass: Pass<T5Config>, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return linear(pass, inside(pass, name, x), `${name}.wo.weight`)
}

/** What wo gets: x [rows, d] → [rows, d_ff] */
function inside(pass: Pass<T5Config>, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const { gated, activation } = pass.config
  const activate = nonlinearities[activation]<tf.Tensor2D>
  if (gated) {
    const gate = activate(linear(pass, x, `${name}.wi_0.weight`))
    return pass.dropout(tf.mul(gate, linear(pass, x, `${name}.wi_1.weight`)), name)
  }
  const product = linear(pass, x, `${name}.wi.weight`)
  if (activation === 'relu') return relu(product, pass.dropout.kept(product, name))
  return pass.dropout(activate(product), name)
}

function finalNorm(pass: Pass<T5Config>, stack: Stack, hidden: tf.Tensor2D): tf.Tensor2D {
  return pass.dropout(layerNorm(pass, hidden, `${stack}.final_layer_norm.weight`), `${stack}.final`)
}

/** ids [batch, length] → [batch·length, d] */
function embed(pass: Pass<T5Config>, ids: tf.Tensor2D): tf.Tensor2D {
  return lookUp(pass.weight(TABLE) as tf.Tensor2D, tf.reshape(ids, [-1]))
}

function withPrompt(pass: Pass<T5Config>, embedded: tf.Tensor2D, mask: tf.Tensor4D, batch: number) {
  const prompt = pass.hooks.prompt?.()
  if (!prompt) return { embedded, mask }
  const [count, d] = prompt.shape
  const rows = tf.tile(tf.expandDims(prompt, 0), [batch, 1, 1])
  const joined = tf.concat([rows, tf.reshape(embedded, [batch, -1, d])], 1)
  return {
    embedded: tf.reshape(joined, [-1, d]) as tf.Tensor2D,
    mask: tf.concat([tf.zeros([batch, 1, 1, count]), mask], 3) as tf.Tensor4D,
  }
}

const append = (past: KeyValue | undefined, present: KeyValue): KeyValue =>
  past
    ? {
        keys: tf.concat([past.keys, present.keys], 2),
        values: tf.concat([past.values, present.values], 2),
      }
    : present
