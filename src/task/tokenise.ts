import type { T5Tokenizer } from '../backbone/tokenizer.js'

/** Longest source and target in tokens, `</s>` included; what is longer is cut. */
export interface TokenLimits {
  source: number
  target: number
}

/** What goes into the backbone and what is to come out. */
export interface TextPair {
  source: string
  target: string
}

/** Token ids by row, `</s>` last. */
export interface TokenRows {
  source: Int32Array[]
  target: Int32Array[]
}

/** What is tokenised at once: enough for the library's threads, and little enough for the memory. */
const BATCH_ROWS = 8192
const BATCH_CHARACTERS = 4 * 2 ** 20

/** Rows' sources and targets as token ids, in the rows' order. Rows of one target share its ids. */
export async function tokenise(
  rows: readonly TextPair[],
  tokenizer: T5Tokenizer,
  limits: TokenLimits,
): Promise<TokenRows> {
  const targets = [...new Set(rows.map(({ target }) => target))] // labels are few
  const [source, encoded] = await Promise.all([
    tokenizer.encode(
      rows.map((row) => row.source),
      limits.source,
    ),
    tokenizer.encode(targets, limits.target),
  ])
  const ids = new Map(targets.map((target, i) => [target, encoded[i]!]))
  return { source, target: rows.map(({ target }) => ids.get(target)!) }
}

/** The rows, a batch at a time; the library tokenises one on its own threads while the next one's rows are read. */
export async function* tokeniseAll(
  examples: AsyncIterable<TextPair> | Iterable<TextPair>,
  tokenizer: T5Tokenizer,
  limits: TokenLimits,
): AsyncGenerator<TokenRows> {
  let running: Promise<TokenRows> | undefined
  for await (const batch of batches(examples)) {
    const next = tokenise(batch, tokenizer, limits)
    next.catch(() => {}) // reported where it is awaited
    if (running) yield await running
    running = next
  }
  if (running) yield await running
}

async function* batches(examples: AsyncIterable<TextPair> | Iterable<TextPair>): AsyncGenerator<TextPair[]> {
  let batch: TextPair[] = []
  let characters = 0
  for await (const { source, target } of examples) {
    batch.push({ source, target })
    characters += source.length + target.length
    if (batch.length < BATCH_ROWS && characters < BATCH_CHARACTERS) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}
