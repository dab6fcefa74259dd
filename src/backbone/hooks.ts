import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core'

export type Stack = 'encoder' | 'decoder'
export type Sublayer = 'attention' | 'cross_attention' | 'feed_forward'

/** One sublayer of the backbone. */
export interface Site {
  stack: Stack
  layer: number
  sublayer: Sublayer
}

/** The sublayers of an encoder alone, in the model's order. */
export const encoderSites = ({ encoderLayers }: { encoderLayers: number }): Site[] =>
  Array.from({ length: encoderLayers }, (_, layer) =>
    (['attention', 'feed_forward'] as const).map((sublayer): Site => ({ stack: 'encoder', layer, sublayer })),
  ).flat()

/** A site's name in the names of trained tensors and of captured operations: `encoder.3.attention`. */
export const siteName = ({ stack, layer, sublayer }: Site): string => `${stack}.${layer}.${sublayer}`

/** Where a method's tensors enter the forward pass; whatever a method leaves out stays the backbone's. */
export interface Hooks {
  /** Takes a frozen tensor of the backbone (by its Hugging Face name) and returns the one to use. */
  weight?(name: string, frozen: Tensor): Tensor
  /**
   * What the method makes of the product with the backbone's matrix of that name; undefined where it leaves it alone.
   */
  product?(name: string): Product | undefined
  /** A bias [out] for the product with the backbone's tensor of that name, or for the norm or head of that name. */
  bias?(name: string): Tensor | undefined
  /**
   * Takes a sublayer's output [rows, d_model] before dropout and the residual sum, and its input, of the same shape,
   * before the backbone's layer norm. Returns what is added to the input instead of the output.
   */
  sublayerOutput?(site: Site, output: Tensor2D, input: Tensor2D): Tensor2D
  /** Vectors [count, d_model] in front of every embedded source, or behind its first token where only this is read. */
  prompt?(): Tensor2D
  /** What an attention sees in front of its own keys and values; undefined where the method leaves it alone. */
  prefix?(site: Site): Prefix | undefined
}

/**
 * Keys and values that every query of an attention sees, with no bias for their positions and never masked. They move
 * the position of no token.
 */
export interface Prefix {
  /** Positions. */
  length: number
  /** Returns the keys [length, heads, d_kv]. */
  keys(): Tensor3D
  /** Returns the values [length, heads, d_kv]. */
  values(): Tensor3D
}

/** What a method needs to compute a product with the backbone's matrix W [out, in] in its own way. */
export interface ProductOf {
  /** The backbone's own product: x [rows, in] → x·Wᵀ [rows, out], with its bias where it has one. */
  times(x: Tensor2D): Tensor2D
  /** W itself, for a method that needs its values. */
  weight(): Tensor2D
  /** The backbone's bias [out] that is part of `times`. */
  bias(): Tensor1D | undefined
  /** As the pass's dropout, with its own rate. */
  dropout(x: Tensor2D, place: string, rate: number): Tensor2D
}

/** A product that a method changes: x [rows, in] → [rows, out]. LoRA adds to x·Wᵀ, IA³ scales x or the result. */
export type Product = (x: Tensor2D, of: ProductOf) => Tensor2D
