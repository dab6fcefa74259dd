import { type Hooks, siteName } from '../../backbone/hooks.js'
import type { BackboneConfig } from '../../backbone/registry.js'
import { nonlinearities } from '../../tensor/nonlinearity.js'
import { meanNorm } from '../../tensor/norm.js'
import tf from '../../tensor/tf.cjs'
import type { ParameterSpec, Tensors } from '../method.js'
import type { AdapterOptions, CompacterOptions } from '../options.js'
import { unfrozenBesideAdapters } from '../unfrozen.js'
import { sites } from './placement.js'

type BottleneckOptions = AdapterOptions | CompacterOptions

/** Returns both projections of every adapter by name: down d → b and up b → d. */
export function projections(options: BottleneckOptions, config: BackboneConfig) {
  const d = config.dModel
  const b = d / options.reduction_factor
  return adapterNames(options, config).flatMap((site) => [
    { name: `${site}.down`, inputs: d, outputs: b },
    { name: `${site}.up`, inputs: b, outputs: d },
  ])
}

/**
 * Returns what all bottleneck adapters train: biases [out] of the projections, the adapters' own norms, the unfrozen
 * tensors.
 */
export function bottleneckParameters(options: BottleneckOptions, config: BackboneConfig): ParameterSpec[] {
  const biases = projections(options, config).map(
    ({ name, outputs }): ParameterSpec => ({ name: `${name}.bias`, shape: [outputs], start: { kind: 'zeros' } }),
  )
  const norms = adapterNames(options, config).flatMap((site) =>
    normPlaces(options).flatMap((place): ParameterSpec[] => [
      { name: `${site}.norm_${place}.weight`, shape: [config.dModel], start: { kind: 'ones' } },
      { name: `${site}.norm_${place}.bias`, shape: [config.dModel], start: { kind: 'zeros' } },
    ]),
  )
  return [...biases, ...norms, ...unfrozenBesideAdapters(config, options)]
}

/**
 * Adds scale·norm(U(f(D(norm(x))))), both norms optional, to the output s of every sublayer of the placement. x is s
 * itself (arXiv 2106.04647 § 2.2), or in parallel the sublayer's input (arXiv 2110.04366 § 3.1).
 */
export function bottleneckHooks(
  options: BottleneckOptions,
  config: BackboneConfig,
  tensors: Tensors,
  product: (x: tf.Tensor2D, name: string) => tf.Tensor2D,
): Hooks {
  const placed = new Set(adapterNames(options, config))
  const places = normPlaces(options)
  const activate = nonlinearities[options.nonlinearity] as typeof tf.relu
  const project = (x: tf.Tensor2D, name: string) => tf.add(product(x, name), tensors(`${name}.bias`)) as tf.Tensor2D
  const normed = (x: tf.Tensor2D, name: string) =>
    meanNorm(x, tensors(`${name}.weight`) as tf.Tensor1D, tensors(`${name}.bias`) as tf.Tensor1D)
  return {
    sublayerOutput(site, s, h) {
      const name = siteName(site)
      if (!placed.has(name)) return s
      const input = options.arrangement === 'parallel' ? h : s
      const x = places.includes('before') ? normed(input, `${name}.norm_before`) : input
      const up = project(activate(project(x, `${name}.down`)), `${name}.up`)
      const y = places.includes('after') ? normed(up, `${name}.norm_after`) : up
      return tf.add(s, options.scale === 1 ? y : tf.mul(y, options.scale))
    },
  }
}

const adapterNames = (options: BottleneckOptions, config: BackboneConfig): string[] =>
  sites(options.placement, config).map(siteName)

const normPlaces = ({ layer_norm }: BottleneckOptions): string[] =>
  layer_norm === 'both' ? ['before', 'after'] : layer_norm === 'none' ? [] : [layer_norm]
