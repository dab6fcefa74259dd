import type { Tensor } from '@tensorflow/tfjs-core'
import type { Hooks } from '../backbone/hooks.js'
import type { BackboneConfig } from '../backbone/registry.js'

/**
 * How a trained tensor starts. Xavier takes the last two axes as one matrix's fans; `first_rows` are those of a tensor
 * of the backbone. `torch_uniform` has a seed of its own, whose first numbers, as many as `after` says, belong to
 * others.
 */
export type Start =
  | { kind: 'zeros' }
  | { kind: 'ones' }
  | { kind: 'filled'; value: number }
  | { kind: 'normal'; std: number }
  | { kind: 'uniform'; bound: number }
  | { kind: 'torch_uniform'; seed: number; after: number; bound: number }
  | { kind: 'xavier_uniform'; gain: number }
  | { kind: 'xavier_normal'; gain: number }
  | { kind: 'backbone' }
  | { kind: 'row_norms'; of: string; columns: number }
  | { kind: 'first_rows'; of: string }

/**
 * A tensor that a method trains. A start of `backbone` means unfrozen: the name is then the Hugging Face name of a
 * backbone's tensor, which the trained tensor replaces in the forward pass.
 */
export interface ParameterSpec {
  name: string
  shape: number[]
  start: Start
  /** Its learning rate relative to that of the training; 1 by default. */
  relativeRate?: number
}

/** Returns tensors by name: `encoder.3.attention.down.s`, or the Hugging Face name of an unfrozen one. */
export type Tensors = (name: string) => Tensor

/** Takes a tensor of the backbone by its name and returns the one with which the bare backbone computes the same. */
export type Merged = (name: string, weight: Tensor) => Tensor

/** A parameter-efficient method: what it trains, and where that enters the forward pass. */
export interface Method<Options> {
  /**
   * What it does to the backbone's weights, for code that would otherwise ask for its kind: they stay frozen (except a
   * few that it names as unfrozen), all are trained, or all are computed in every pass, from the trained vector and
   * random numbers.
   */
  weights: 'frozen' | 'trained' | 'made'
  /** Returns every tensor that it trains; needs only dimensions, no weights and no backend. */
  parameters(options: Options, config: BackboneConfig): ParameterSpec[]
  /** Returns the tensors that keep their values from a seed: they are neither trained nor stored. */
  constants?(options: Options, config: BackboneConfig): ParameterSpec[]
  hooks(options: Options, config: BackboneConfig, tensors: Tensors): Hooks
  /** The positions that it adds to a source, or to what attention sees, for estimates of memory. */
  positions?(options: Options): number
  /** For a method that only changes products. */
  merged?(options: Options, config: BackboneConfig, tensors: Tensors): Merged
}
