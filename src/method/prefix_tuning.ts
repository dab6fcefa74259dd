import { type Prefix, type Site, siteName } from '../backbone/hooks.js'
import type { BackboneConfig } from '../backbone/registry.js'
import tf from '../tensor/tf.cjs'
import { sites } from './adapter/placement.js'
import type { Method, ParameterSpec, Start, Tensors } from './method.js'
import type { PrefixTuningOptions } from './options.js'

/**
 * Prefix tuning (Li and Liang, arXiv 2101.00190): trained keys and values [length, heads, d_kv] in front of those of
 * attention. With a bottleneck they are computed. Each kind of attention (of the encoder, of the decoder, across) has
 * an embedding E [length, d] and a projection to tanh(E·D + c) [length, bottleneck]; each layer has two more from
 * there, to its keys and to its values. This is the network of the library `adapters`, whose last matrix is cut into
 * layers.
 */
export const prefixTuning: Method<PrefixTuningOptions> = {
  weights: 'frozen',
  parameters(options, config) {
    const { bottleneck } = options
    const placed = sites(options.placement, config)
    if (bottleneck === 'none') return placed.flatMap((site) => storedParameters(site, options, config))
    const kinds = [...new Set(placed.map(kindName))]
    return kinds.flatMap((kind) => [
      ...sharedParameters(kind, bottleneck, options, config),
      ...placed.filter((site) => kindName(site) === kind).flatMap((site) => layerParameters(site, bottleneck, config)),
    ])
  },
  positions: ({ length }) => length,
  hooks(options, config, tensors) {
    const placed = new Set(sites(options.placement, config).map(siteName))
    return { prefix: (site) => (placed.has(siteName(site)) ? prefixOf(site, options, config, tensors) : undefined) }
  },
}

/** What the attentions of a stack have in common: `encoder.attention`. */
const kindName = ({ stack, sublayer }: Site) => `${stack}.${sublayer}`

const SIDES = ['keys', 'values'] as const
const sideName = (site: Site, side: (typeof SIDES)[number]) => `${siteName(site)}.prefix.${side}`

/**
 * The start of keys and values that are trained themselves: small, so that queries weigh the positions of a prefix
 * alike at first.
 */
const STORED_START: Start = { kind: 'normal', std: 0.02 }

function storedParameters(site: Site, { length }: PrefixTuningOptions, { heads, dKv }: BackboneConfig) {
  return SIDES.map(
    (side): ParameterSpec => ({ name: sideName(site, side), shape: [length, heads, dKv], start: STORED_START }),
  )
}

function sharedParameters(
  kind: string,
  bottleneck: number,
  { length }: PrefixTuningOptions,
  { dModel }: BackboneConfig,
): ParameterSpec[] {
  return [
    { name: `${kind}.prefix.embedding`, shape: [length, dModel], start: { kind: 'normal', std: 1 } },
    ...projection(`${kind}.prefix.down`, dModel, bottleneck),
  ]
}

const layerParameters = (site: Site, bottleneck: number, { heads, dKv }: BackboneConfig): ParameterSpec[] =>
  SIDES.flatMap((side) => projection(sideName(site, side), bottleneck, heads * dKv))

/** A matrix [in, out] and a bias, which start as those of torch.nn.Linear. */
function projection(name: string, inputs: number, outputs: number): ParameterSpec[] {
  const start: Start = { kind: 'uniform', bound: 1 / Math.sqrt(inputs) }
  return [
    { name: `${name}.weight`, shape: [inputs, outputs], start },
    { name: `${name}.bias`, shape: [outputs], start },
  ]
}

function prefixOf(
  site: Site,
  { length, bottleneck }: PrefixTuningOptions,
  { heads, dKv }: BackboneConfig,
  tensors: Tensors,
): Prefix {
  const project = (x: tf.Tensor2D, name: string) =>
    tf.add(tf.matMul(x, tensors(`${name}.weight`) as tf.Tensor2D), tensors(`${name}.bias`)) as tf.Tensor2D
  const computed = (side: string) => {
    const kind = `${kindName(site)}.prefix`
    const hidden = tf.tanh(project(tensors(`${kind}.embedding`) as tf.Tensor2D, `${kind}.down`)) // [length, bottleneck]
    return tf.reshape(project(hidden, side), [length, heads, dKv]) as tf.Tensor3D
  }
  const of = (side: string) => (bottleneck === 'none' ? (tensors(side) as tf.Tensor3D) : computed(side))
  return { length, keys: () => of(sideName(site, 'keys')), values: () => of(sideName(site, 'values')) }
}
