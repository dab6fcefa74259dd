import { z } from 'zod'
import type { nonlinearities } from '../../tensor/nonlinearity.js'
import { notThat } from './config_json.js'

type Activation = keyof typeof nonlinearities

/** Activations by transformers' names. */
const ACTIVATIONS = {
  gelu: 'gelu',
  gelu_new: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  quick_gelu: 'quick_gelu',
  relu: 'relu',
  silu: 'swish',
  swish: 'swish',
} as const satisfies Record<string, Activation>

/** A key of a config.json that names an activation; `activationOf` reads it. */
export const activation = () =>
  z
    .unknown()
    .optional()
    .meta({ type: 'string', examples: ['gelu'] })

/** @throws UserError where no such activation is known. */
export function activationOf(value: unknown, key: string, at: string): Activation {
  const name = value ?? 'gelu'
  if (Object.hasOwn(ACTIVATIONS, name as string)) return ACTIVATIONS[name as keyof typeof ACTIVATIONS]
  throw notThat(key, name, `one of ${Object.keys(ACTIVATIONS).join(', ')}`, at)
}

/** The inverse of `activationOf`. */
export const activationName = (activation: Activation): string => (activation === 'swish' ? 'silu' : activation)
