import type { z } from 'zod'
import type { Site } from './hooks.js'

/**
 * What a tensor of the backbone is for: a table of embeddings, the matrix or the bias of a product, the scale or the
 * bias of a norm, positions, or the head, where it is not the table itself. Code asks for the role, never for a part of
 * a name.
 */
export type Role = 'table' | 'product' | 'bias' | 'norm' | 'norm_bias' | 'position' | 'head'

/** A tensor that a backbone has. */
export interface TensorSpec {
  /** Matrices of products and heads are [out, in], tables [rows, d_model]. */
  shape: number[]
  role: Role
  /** The sublayer that it belongs to; undefined outside the layers. */
  site?: Site
  /** The name of a product within its sublayer, such as `q`, also of its bias; of the head its own. */
  product?: string
  /** Other names under which checkpoints store the same tensor, instead of it or as a copy. */
  aliases?: readonly string[]
}

/** Which stacks a family has; this decides which objective it is trained for. */
export type Shape = 'encoder-decoder' | 'encoder'

/** What the config of every family has. */
export interface CommonConfig {
  /** The name of the family. */
  family: string
  dModel: number
  /** Attention heads of a layer. */
  heads: number
  /** Width of one of them; heads × dKv need not be dModel. */
  dKv: number
  /** Rows of the embedding table, which can exceed the tokenizer's vocabulary. */
  vocabulary: number
  /** Layers of each stack, 0 where the family has no such stack. */
  encoderLayers: number
  decoderLayers: number
  layerNormEpsilon: number
  dropout: number
  /**
   * The id that rows are padded with. Padding is marked by the mask, not by this id, which a text may hold as a token.
   */
  padId: number
}

/** What the config of a family has that decodes. */
export interface EncoderDecoderConfig extends CommonConfig {
  /** The id that ends a row. */
  eosId: number
  /** The id that the decoder starts with. */
  decoderStartId: number
}

/** What the config of a family has that only encodes. */
export interface EncoderConfig extends CommonConfig {
  /** Token types: 2 where a batch says which segment of a pair a token is of, else 1 or 0. */
  segments: number
  /** Standard deviation of matrices that were never trained, such as those of a head. */
  initializerRange: number
  /** The head that is trained on it, if any. */
  head?: Head
}

/** What a family of backbones states once, for every method, count, format and engine. */
export interface Family<Config extends CommonConfig> {
  name: Config['family']
  /** The values of `model_type` in a config.json that are of this family. */
  types: readonly string[]
  shape: Shape
  /** The keys of a Hugging Face config.json that are read, for the parser and for editors. */
  schema: z.ZodType
  /**
   * Reads a config.json. `at` is its file, for errors; `folder` has the weights, where they are here: they decide what
   * config.json leaves open.
   * @throws UserError that names the file, the key and its value.
   */
  parse(json: Record<string, unknown>, at: string, folder?: string): Config
  /** The config as transformers reads it: the keys and values of a config.json. */
  toHuggingFace(config: Config): Record<string, unknown>
  /** Every tensor by its Hugging Face name, in the model's order. */
  tensors(config: Config): Map<string, TensorSpec>
  /** The sublayers, where a method may enter, in the model's order. */
  sites(config: Config): Site[]
  /** Whether a tensor of that name, which a checkpoint may hold, is left aside. */
  ignores(name: string): boolean
  /**
   * The name by which hooks know the product that makes the logits over the vocabulary, also where its matrix is the
   * embedding table; undefined where the family makes none.
   */
  head?: string
  /**
   * The config of a model that has tensors of these names too where they are biases that models of the family may have;
   * left out where the biases are always the same.
   */
  withBiases?(config: Config, names: ReadonlySet<string>): Config
  /** Standard deviation of a tensor in a model that was never trained; norms start at 1 and are not asked for. */
  initialStd(config: Config, name: string): number
}

/** What a head tells: one answer for a text, one for each of its tokens, or how good a text is of several to choose. */
export interface Head {
  kind: 'sequence' | 'tokens' | 'choice'
  /** Rows of the head's last matrix: classes, or 1 for a number; not read for a choice, which has 1. */
  labels: number
}

/** What a family of encoders states in addition. */
export interface EncoderFamily<Config extends CommonConfig> extends Family<Config> {
  /** The most tokens of a row: there are positions for no more. */
  longest(config: Config): number
  /** The config without tensors that a model with this head does not have. */
  forHead(config: Config, head: Head): Config
  /**
   * The tensors of a head by their Hugging Face names. They are no part of the backbone: they are always trained.
   * Matrices start as N(0, initializerRange²), biases as 0, norms as 1.
   */
  headTensors(config: Config, head: Head): Map<string, TensorSpec>
}
