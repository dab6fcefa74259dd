/** What some of our functions compute, in float64 and by the letter of their definitions. */

/** H·x, H[i, j] = (−1)^popcount(i & j). x shorter than 2^bits has zeros behind. */
export function hadamardByDefinition(x: ArrayLike<number>, bits: number): Float64Array {
  const values = Array.from(x)
  return Float64Array.from({ length: 2 ** bits }, (_, i) =>
    values.reduce((sum, value, j) => sum + (odd(i & j) ? -value : value), 0),
  )
}

function odd(bits: number): boolean {
  let parity = false
  for (let left = bits; left > 0; left &= left - 1) parity = !parity
  return parity
}

/** (H·G·Π·H·B·v)[0 : size] / √(size·ΣG²), see test/oracle/README.md. */
export function fastfoodByDefinition(
  v: ArrayLike<number>,
  size: number,
  parts: { signs: ArrayLike<number>; permutation: ArrayLike<number>; gaussian: ArrayLike<number> },
): Float64Array {
  const { signs, permutation, gaussian } = parts
  const bits = Math.log2(gaussian.length)
  const signed = Array.from(gaussian, (_, i) => (i < v.length ? v[i]! * signs[i]! : 0))
  const mixed = hadamardByDefinition(signed, bits)
  const spread = Array.from(gaussian, (g, i) => g * mixed[permutation[i]!]!)
  const squares = Array.from(gaussian).reduce((sum, g) => sum + g * g, 0)
  return hadamardByDefinition(spread, bits)
    .subarray(0, size)
    .map((value) => value / Math.sqrt(size * squares))
}

/** x · (mean(x²) + ε)^-½ · weight by rows. x [rows, d], weight [d] */
export function rmsNormByDefinition(x: ArrayLike<number>, weight: ArrayLike<number>, epsilon: number): Float64Array {
  const d = weight.length
  const row = (i: number) => Array.from(x).slice(i * d, (i + 1) * d)
  return Float64Array.from(x, (value, i) => {
    const mean = row(Math.floor(i / d)).reduce((sum, entry) => sum + entry * entry, 0) / d
    return (value * weight[i % d]!) / Math.sqrt(mean + epsilon)
  })
}

/**
 * Mean of −log softmax(logits)[label] over the rows whose mask is 1, with a share of it the mean over all labels.
 * logits [rows, vocabulary]
 */
export function crossEntropyByDefinition(
  logits: ArrayLike<number>,
  labels: number[],
  mask: number[],
  smoothing = 0,
): number {
  const vocabulary = logits.length / labels.length
  const losses = labels.flatMap((label, row) => {
    if (mask[row] === 0) return []
    const scores = Array.from(logits).slice(row * vocabulary, (row + 1) * vocabulary)
    const mean = scores.reduce((sum, score) => sum + score, 0) / vocabulary
    const logZ = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0))
    return logZ - (1 - smoothing) * scores[label]! - smoothing * mean
  })
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

/** The gradient of f at x by central differences. */
export function differences(f: (x: Float64Array) => number, x: ArrayLike<number>): Float64Array {
  const at = (i: number, change: number) => f(Float64Array.from(x, (value, j) => (i === j ? value + change : value)))
  return Float64Array.from(x, (_, i) => (at(i, 1e-5) - at(i, -1e-5)) / 2e-5)
}

/** (softmax(scores)·factors)·values for each head. scores [heads, queries, keys], values [heads, keys, d] */
export function attendedByDefinition(
  { heads, queries, keys, d }: { heads: number; queries: number; keys: number; d: number },
  scores: ArrayLike<number>,
  values: ArrayLike<number>,
  factor: (element: number) => number,
): Float64Array {
  const result = new Float64Array(heads * queries * d)
  for (let row = 0; row < heads * queries; row++) {
    const head = Math.floor(row / queries)
    const exponentials = Array.from({ length: keys }, (_, key) => Math.exp(scores[row * keys + key]!))
    const sum = exponentials.reduce((sum, each) => sum + each, 0)
    for (const [key, exponential] of exponentials.entries())
      for (let i = 0; i < d; i++)
        result[row * d + i]! += (exponential / sum) * factor(row * keys + key) * values[(head * keys + key) * d + i]!
  }
  return result
}
