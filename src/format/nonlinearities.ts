import type { AdapterOptions } from '../method/options.js'

type Nonlinearity = AdapterOptions['nonlinearity']

/** Other names of activations that we have, in transformers, `adapters` and OpenDelta. */
const ALIASES: Record<string, Nonlinearity> = {
  silu: 'swish',
  leakyrelu: 'leaky_relu',
  gelu_python: 'gelu',
  gelu_fast: 'gelu_new',
  gelu_accurate: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  gelu_python_tanh: 'gelu_new',
}

/** Returns our name of an activation where a library has another one. */
export const nonlinearityHere = (name: string): string =>
  Object.hasOwn(ALIASES, name.toLowerCase()) ? ALIASES[name.toLowerCase()]! : name.toLowerCase()

/** Returns the name that every version of `adapters` and of OpenDelta knows. */
export const nonlinearityThere = (name: Nonlinearity): string => (name === 'leaky_relu' ? 'leakyrelu' : name)

/** Why a library can't compute it; undefined where it can: both ask transformers, which lacks one of ours. */
export const nonlinearityRefusal = (name: Nonlinearity, library: string): string | undefined =>
  name === 'elu' ? `${library} has no nonlinearity elu.` : undefined
