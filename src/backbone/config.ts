/** A T5's dimensions and conventions, read from a Hugging Face `config.json` or a backbone preset. */
export interface T5Config {
  dModel: number
  /** Width of one attention head; heads × dKv need not be dModel. */
  dKv: number
  dFf: number
  encoderLayers: number
  decoderLayers: number
  heads: number
  relativeBuckets: number
  relativeMaxDistance: number
  /** Rows of the embedding table, which can exceed the tokenizer's vocabulary. */
  vocabulary: number
  layerNormEpsilon: number
  dropout: number
  activation: 'relu' | 'gelu_new'
  /** v1.1: wi_0 (activated) times wi_1 in place of wi. */
  gated: boolean
  /** v1.0: the head is the embedding table and the decoder's output is scaled by dModel^-½. v1.1: a head of its own, unscaled. */
  tiedHead: boolean
  padId: number
  eosId: number
  decoderStartId: number
}
