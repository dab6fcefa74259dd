import { type Pass, unnamed } from '../../backbone/pass.js'
import { type BackboneConfig, backboneShapes } from '../../backbone/registry.js'
import { elements } from '../../base/safetensors/safetensors.js'
import type { Method } from '../../method/method.js'
import type { MethodOptions } from '../../method/options.js'
import { methodOf } from '../../method/registry.js'
import { startValues } from '../../method/start.js'
import { type Dropout, noDropout } from '../../tensor/dropout.js'
import tf from '../../tensor/tf.cjs'
import { gathered, type Layout, layoutOf, unflatten } from './layout.js'

/** What a model is, without a weight: dimensions, method, and where each trained tensor lies. */
export interface Blueprint {
  config: BackboneConfig
  options: MethodOptions
  method: Method<MethodOptions>
  layout: Layout
}

/** A backbone on the device and the method that is trained on it. The trained values themselves are kept apart. */
export interface Model extends Blueprint {
  /** The backbone's tensors that are not trained, by Hugging Face name. */
  frozen: Map<string, tf.Tensor>
  /** The method's tensors that stay as the seed made them. */
  constants: Map<string, tf.Tensor>
}

/** Reads one tensor of the backbone, whole. */
export type ReadTensor = (name: string) => Float32Array

/** A frozen tensor of the backbone on the device, of that shape. */
export type PlaceTensor = (name: string, shape: number[]) => tf.Tensor

/** Embedding rows beyond the shape's are left out. */
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
  return { config, options, method, layout: layoutOf(method.parameters(options, config)) }
}

/** The trained vector before the first step. */
export const startVector = ({ layout }: Blueprint, read: ReadTensor, seed: number): Float32Array =>
  gathered(layout, (spec) => startValues(spec, seed, read))

/**
 * One forward pass's view of the model: `views` are the trained tensors in the layout's order; `used` is told the index of each
 * that the pass takes.
 */
export function passOf(model: Model, views: tf.Tensor[], dropout: Dropout, used?: (view: number) => void): Pass {
  const { config, options, method, layout, frozen, constants } = model
  const indices = new Map(layout.specs.map(({ name }, index) => [name, index]))
  const trained = (name: string): tf.Tensor | undefined => {
    const index = indices.get(name)
    if (index === undefined) return
    used?.(index)
    return views[index]
  }
  const tensors = (name: string) => trained(name) ?? constants.get(name) ?? missing(name)
  const hooks = method.hooks(options, config, tensors)
  const weight = (name: string) => {
    const own = trained(name)
    if (own) return own
    const tensor = frozen.get(name) ?? missing(name)
    return hooks.weight?.(name, tensor) ?? tensor
  }
  return { config, weight, hooks, dropout, at: unnamed }
}

/** A pass for many batches without gradients: what the method makes of frozen weights is made once. `dispose` frees what it holds. */
export function evaluationPass(model: Model, vector: tf.Tensor1D): { pass: Pass; dispose(): void } {
  const views = tf.tidy(() => unflatten(model.layout, vector))
  const pass = passOf(model, views, noDropout)
  const made = new Map<string, tf.Tensor>()
  const dispose = () => void tf.dispose([...views, ...made.values()])
  if (!pass.hooks.weight) return { pass, dispose }
  for (const [name, frozen] of model.frozen) {
    const weight = tf.tidy(() => pass.weight(name))
    if (weight !== frozen) made.set(name, weight)
  }
  return { pass: { ...pass, weight: (name) => made.get(name) ?? pass.weight(name) }, dispose }
}

function missing(name: string): never {
  throw new Error(`the model has no tensor ${name}`)
}

/** Frees the model's tensors. */
export function disposeModel({ frozen, constants }: Model): void {
  tf.dispose([...frozen.values(), ...constants.values()])
}
