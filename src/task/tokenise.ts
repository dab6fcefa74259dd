import type { T5Tokenizer } from '../backbone/tokenizer.js'
import type { Tokenised } from './batches.js'
import type { Example } from './rows.js'

/** Longest source and target in tokens, `</s>` included; what is longer is cut. */
export interface TokenLimits {
  source: number
  target: number
}

/** Rows' sources and targets as token ids, in the rows' order. */
export async function tokenise(examples: Example[], tokenizer: T5Tokenizer, limits: TokenLimits): Promise<Tokenised> {
  return {
    source: await tokenizer.encode(
      examples.map((example) => example.source),
      limits.source,
    ),
    target: await tokenizer.encode(
      examples.map((example) => example.target),
      limits.target,
    ),
  }
}
