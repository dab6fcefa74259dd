import type { Tensor } from '@tensorflow/tfjs-core'
import type { Hooks } from '../backbone/hooks.js'
import type { BackboneConfig } from '../backbone/registry.js'

/** How a trained tensor starts; Xavier takes the last two axes as one matrix's fans, `first_rows` those of a tensor of the backbone. */
export type Start =
  | { kind: 'zeros' }
  | { kind: 'ones' }
  | { kind: 'normal'; std: number }
  | { kind: 'uniform'; bound: number }
  | { kind: 'xavier_uniform'; gain: number }
  | { kind: 'backbone' }
  | { kind: 'first_rows'; of: string }

/**
 * A tensor that a method trains. `backbone` as its start means unfrozen: the name is then the Hugging Face name of one of
 * the backbone's tensors, and the trained tensor takes its place in the forward pass.
 */
export interface ParameterSpec {
  name: string
  shape: number[]
  start: Start
}

/** Tensors by name: `encoder.3.attention.down.s`, or the Hugging Face name of an unfrozen one. */
export type Tensors = (name: string) => Tensor

/** A parameter-efficient method: what it trains, and where that enters the forward pass. */
export interface Method<Options> {
  /**
   * What it does to the backbone's weights, for code that would otherwise ask for its kind: they stay frozen (but for the few that
   * it names as unfrozen), all of them are trained, or all are made anew in every pass, of the trained vector and random numbers.
   */
  weights: 'frozen' | 'trained' | 'made'
  /** Every tensor it trains; needs dimensions only, no weights and no backend. */
  parameters(options: Options, config: BackboneConfig): ParameterSpec[]
  /** Tensors that stay as the seed made them: neither trained nor stored. */
  constants?(options: Options, config: BackboneConfig): ParameterSpec[]
  hooks(options: Options, config: BackboneConfig, tensors: Tensors): Hooks
}
