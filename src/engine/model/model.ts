import { type Hooks, siteName } from '../../backbone/hooks.js'
import { type Pass, unnamed } from '../../backbone/pass.js'
import { type BackboneConfig, backboneShapes, backboneSites } from '../../backbone/registry.js'
import { elements } from '../../base/safetensors/safetensors.js'
import { headParameters } from '../../method/head.js'
import type { Method } from '../../method/method.js'
import type { MethodOptions } from '../../method/options.js'
import { methodOf } from '../../method/registry.js'
import { startValues } from '../../method/start.js'
import { type Dropout, noDropout } from '../../tensor/dropout.js'
import tf from '../../tensor/tf.cjs'
import { gathered, type Layout, layoutOf, unflatten } from './layout.js'

/** A model without weights: dimensions, method, and the place of each trained tensor. */
export interface Blueprint {
  config: BackboneConfig
  options: MethodOptions
  method: Method<MethodOptions>
  layout: Layout
}

/** A backbone on the device and the method that is trained on it. The trained values themselves are kept elsewhere. */
export interface Model extends Blueprint {
  /** The backbone's tensors that are not trained, by Hugging Face name. */
  frozen: Map<string, tf.Tensor>
  /** The method's tensors that keep their values from the seed. */
  constants: Map<string, tf.Tensor>
}

/** Reads one whole tensor of the backbone. */
export type ReadTensor = (name: string) => Float32Array

/** Puts a frozen tensor of the backbone on the device, with that shape. */
export type PlaceTensor = (name: string, shape: number[]) => tf.Tensor

/** Returns a function that places tensors; embedding rows beyond the shape are left out. */
export const placing =
  (read: ReadTensor): PlaceTensor =>
  (name, shape) =>
    tf.tensor(read(name).subarray(0, elements(shape)), shape)

/** Puts a backbone on the device, tensor by tensor. Embedding rows beyond `config.vocabulary` are left out. */
export function loadModel(
  config: BackboneConfig,
  options: MethodOptions,
  read: ReadTensor,
  seed: number,
  place: PlaceTensor = placing(read),
): Model {
  const blueprint = blueprintOf(config, options)
  const { method, layout } = blueprint
  const trained = new Set(layout.specs.map(({ name }) => name))
  const frozen = new Map<string, tf.Tensor>()
  for (const [name, shape] of backboneShapes(config)) if (!trained.has(name)) frozen.set(name, place(name, shape))
  const constants = new Map(
    (method.constants?.(options, config) ?? []).map((spec) => [
      spec.name,
      tf.tensor(startValues(spec, seed, read), spec.shape),
    ]),
  )
  return { ...blueprint, frozen, constants }
}

export function blueprintOf(config: BackboneConfig, options: MethodOptions): Blueprint {
  const method = methodOf(options)
  return {
    config,
    options,
    method,
    layout: layoutOf([...method.parameters(options, config), ...headParameters(config)]),
  }
}

/** Returns the trained vector before the first step. */
export const startVector = ({ layout }: Blueprint, read: ReadTensor, seed: number): Float32Array =>
  gathered(layout, (spec) => startValues(spec, seed, read))

/** Looks up views of the trained tensors by name; `used` is called with the index of each that is used. */
function namedViews({ layout }: Model, views: tf.Tensor[], used?: (view: number) => void) {
  const indices = new Map(layout.specs.map(({ name }, index) => [name, index]))
  return (name: string): tf.Tensor | undefined => {
    const index = indices.get(name)
    if (index === undefined) return
    used?.(index)
    return views[index]
  }
}

/**
 * Returns the model as one forward pass sees it: `views` are the trained tensors in the layout's order; `used` is
 * called with the index of each that the pass uses.
 */
export function passOf(model: Model, views: tf.Tensor[], dropout: Dropout, used?: (view: number) => void): Pass {
  const { config, options, method, frozen, constants } = model
  const trained = namedViews(model, views, used)
  const hooks = method.hooks(options, config, (name) => trained(name) ?? constants.get(name) ?? missing(name))
  const weight = (name: string) => {
    const own = trained(name)
    if (own) return own
    const tensor = frozen.get(name) ?? missing(name)
    return hooks.weight?.(name, tensor) ?? tensor
  }
  return { config, weight, hooks, dropout, at: unnamed }
}

/**
 * Returns a pass for many batches without gradients: weights that the method computes from frozen ones, and its
 * prefixes, are computed once. `dispose` frees what it holds.
 */
export function evaluationPass(model: Model, vector: tf.Tensor1D): { pass: Pass; dispose(): void } {
  const views = tf.tidy(() => unflatten(model.layout, vector))
  const made = new Map<string, tf.Tensor>()
  const dispose = () => void tf.dispose([...views, ...made.values()])
  const own = passOf(model, views, noDropout)
  const pass = { ...own, hooks: { ...own.hooks, ...madePrefixes(own, made) } }
  if (!pass.hooks.weight) return { pass, dispose }
  for (const [name, frozen] of model.frozen) {
    const weight = tf.tidy(() => pass.weight(name))
    if (weight !== frozen) made.set(name, weight)
  }
  return { pass: { ...pass, weight: (name) => made.get(name) ?? pass.weight(name) }, dispose }
}

/** The method's prefixes, computed now and kept in `made`. */
function madePrefixes({ config, hooks }: Pass, made: Map<string, tf.Tensor>): Pick<Hooks, 'prefix'> {
  const prefixes = backboneSites(config).flatMap((site) => {
    const prefix = hooks.prefix?.(site)
    if (!prefix) return []
    const [keys, values] = [tf.tidy(() => prefix.keys()), tf.tidy(() => prefix.values())]
    made.set(`${siteName(site)} keys`, keys).set(`${siteName(site)} values`, values)
    return [[siteName(site), { ...prefix, keys: () => keys, values: () => values }] as const]
  })
  const bySite = new Map(prefixes)
  return { prefix: (site) => bySite.get(siteName(site)) }
}

/**
 * The weights with which the bare backbone computes what the method does; `values` reads one, `dispose` frees what it
 * holds.
 */
export function mergedWeights(model: Model, vector: tf.Tensor1D) {
  const { config, options, method, constants } = model
  const views = tf.tidy(() => unflatten(model.layout, vector))
  const trained = namedViews(model, views)
  const merged = method.merged?.(options, config, (name) => trained(name) ?? constants.get(name) ?? missing(name))
  const { weight } = passOf(model, views, noDropout)
  return {
    async values(name: string): Promise<Float32Array> {
      const copy = tf.tidy(() => tf.clone(merged ? merged(name, weight(name)) : weight(name)))
      const values = (await copy.data()) as Float32Array
      copy.dispose()
      return values
    },
    dispose: () => void tf.dispose(views),
  }
}

function missing(name: string): never {
  throw new Error(`the model has no tensor ${name}`)
}

/** Frees the model's tensors. */
export function disposeModel({ frozen, constants }: Model): void {
  tf.dispose([...frozen.values(), ...constants.values()])
}
