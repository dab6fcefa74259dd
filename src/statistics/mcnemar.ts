/** The p-values of McNemar's test, both two-sided. */
export interface McNemar {
  /** Exact, and so conservative: it rejects too seldom, most of all with few discordant pairs. */
  exact: number
  /** With half the probability of the observed outcome: rejects about as often as the level says. Fagerland 2013. */
  mid: number
}

/**
 * Tests whether two answers to the same units are right equally often. Only the discordant pairs count: those that the
 * first alone has right, and those that the second alone has right. Without any both p-values are 1.
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const [fewer, pairs] = [Math.min(onlyFirst, onlySecond), onlyFirst + onlySecond]
  if (2 * fewer === pairs) return { exact: 1, mid: 1 }
  const observed = Math.exp(logBinomial(pairs, fewer) - pairs * Math.LN2)
  let [term, sum] = [1, 1] // relative to the observed outcome, whose probability may be far below the smallest number
  for (let k = fewer; k > 0 && term > 0; k--) {
    term *= k / (pairs - k + 1)
    sum += term
  }
  const exact = Math.min(1, 2 * observed * sum)
  return { exact, mid: Math.min(1, Math.max(0, 2 * observed * (sum - 0.5))) }
}

/** Returns the natural logarithm of the binomial coefficient. */
function logBinomial(n: number, k: number): number {
  let sum = 0
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i)
  return sum
}

/** Returns the fewest discordant pairs that can reject at a level, all of them in one direction. */
export const fewestDiscordant = (alpha: number): number => Math.ceil(Math.log2(2 / alpha) - 1e-12)
