import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core'
import type { T5Config } from '../backbone/t5/config.js'

export type Stack = 'encoder' | 'decoder'
export type Sublayer = 'attention' | 'cross_attention' | 'feed_forward'

/** One sublayer of the backbone. */
export interface Site {
  stack: Stack
  layer: number
  sublayer: Sublayer
}

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

/** Where a method's tensors enter the forward pass; what is left out stays the backbone's. */
export interface Hooks {
  /** Takes a frozen tensor of the backbone (by its Hugging Face name) and gives the one to use. */
  weight?(name: string, frozen: Tensor): Tensor
  /** A bias [out] for the product with the backbone's tensor of that name, or for the norm or head of that name. */
  bias?(name: string): Tensor | undefined
  /** Takes a sublayer's output [rows, d_model] before dropout and the residual sum, and gives what is added instead. */
  sublayerOutput?(site: Site, output: Tensor2D): Tensor2D
  /** Vectors [count, d_model] that stand in front of every embedded source. */
  prompt?(): Tensor2D
}

/** A parameter-efficient method: what it trains, and where that enters the forward pass. */
export interface Method<Options> {
  /**
   * What it does to the backbone's weights, for code that would otherwise ask for its kind: they stay frozen (but for the few that
   * it names as unfrozen), all of them are trained, or all are made anew in every pass, of the trained vector and random numbers.
   */
  weights: 'frozen' | 'trained' | 'made'
  /** Every tensor it trains; needs dimensions only, no weights and no backend. */
  parameters(options: Options, config: T5Config): ParameterSpec[]
  /** Tensors that stay as the seed made them: neither trained nor stored. */
  constants?(options: Options, config: T5Config): ParameterSpec[]
  hooks(options: Options, config: T5Config, tensors: Tensors): Hooks
}
