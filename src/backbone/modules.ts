import type { TensorSpec } from './family.js'

/** A tensor by its Hugging Face name. */
export type Named = [name: string, spec: TensorSpec]

/** The matrix [out, in] and the bias of a product's module, such as `bert.pooler.dense`. */
export const productTensors = (module: string, shape: [number, number], more: Partial<TensorSpec> = {}): Named[] => [
  [`${module}.weight`, { shape, role: 'product', ...more }],
  [`${module}.bias`, { shape: [shape[0]], role: 'bias', ...more }],
]

/** The scale and the bias of a norm's module. */
export const normTensors = (module: string, width: number, more: Partial<TensorSpec> = {}): Named[] => [
  [`${module}.weight`, { shape: [width], role: 'norm', ...more }],
  [`${module}.bias`, { shape: [width], role: 'norm_bias', ...more }],
]

/** A product of a head, which is always trained. */
export const headTensorsOf = (module: string, outputs: number, inputs: number): Named[] => [
  [`${module}.weight`, { shape: [outputs, inputs], role: 'head' }],
  [`${module}.bias`, { shape: [outputs], role: 'head' }],
]

/**
 * Tensors whose names start with `prefix` (`bert.`), with the names that they have in checkpoints of the bare model,
 * and a norm's in checkpoints that TensorFlow wrote.
 */
export const withOtherNames = (tensors: Named[], prefix: string): Map<string, TensorSpec> =>
  new Map(tensors.map(([name, spec]) => [name, { ...spec, aliases: otherNames(name, prefix) }]))

function otherNames(name: string, prefix: string): string[] {
  const old = name.replace(/(LayerNorm)\.weight$/, '$1.gamma').replace(/(LayerNorm)\.bias$/, '$1.beta')
  const names = old === name ? [name] : [name, old]
  return [...names.slice(1), ...names.map((each) => each.slice(prefix.length))]
}
