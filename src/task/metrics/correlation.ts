import { mean } from '../../base/numbers/mean.js'
/**
 * Returns the number that the whole output is, such as '3.8', ignoring white space around it; undefined for other
 * texts.
 */
export function toNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i.test(text.trim()) ? Number(text) : undefined
}

/** Returns Pearson's r; 0 where it is undefined: with fewer than two pairs, or one side constant. */
export function pearson(x: number[], y: number[]): number {
  const [a, b] = [deviations(x), deviations(y)]
  const product = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b))
  return product === 0 ? 0 : Math.min(1, Math.max(-1, dot(a, b) / product))
}

/** Returns Pearson's r of the ranks; equal values have the mean of their ranks. */
export function spearman(x: number[], y: number[]): number {
  return pearson(ranks(x), ranks(y))
}

function ranks(values: number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const result = new Array<number>(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (let i = start; i < end; i++) result[order[i]!] = (start + end - 1) / 2
    start = end
  }
  return result
}

/**
 * Returns the deviations from the mean: exactly 0 for equal values, whose computed mean may be wrong in its last bit.
 */
function deviations(values: number[]): number[] {
  if (values.every((value) => value === values[0])) return values.map(() => 0)
  const middle = mean(values)
  return values.map((value) => value - middle)
}

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}
