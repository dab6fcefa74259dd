import { parseConfig } from '../../src/backbone/registry.js'

/** A T5 of one layer, to draw tensors for. */
export const oneLayer = parseConfig(
  {
    model_type: 't5',
    d_model: 96,
    d_kv: 8,
    d_ff: 64,
    num_layers: 1,
    num_heads: 2,
    relative_attention_num_buckets: 8,
    vocab_size: 40,
  },
  'test',
)
