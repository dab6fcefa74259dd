import jstat from 'jstat'

const { normal, studentt } = jstat.jStat

/** From here on Student's t is the normal distribution: their quantiles differ by less than one part in a million. */
const AS_NORMAL = 1e7

/** Returns the quantile of the standard normal distribution; `p` is in (0, 1). */
export const normalQuantile = (p: number): number => normal.inv(p, 0, 1)

/** Returns the quantile of Student's t; `p` is in (0, 1), and `degrees` above 0, whole or not, or infinite. */
export const tQuantile = (p: number, degrees: number): number =>
  degrees > AS_NORMAL ? normalQuantile(p) : studentt.inv(p, degrees)

/** Returns the probability that Student's t is at least as far from 0 as `t`, on either side. */
export function twoSidedT(t: number, degrees: number): number {
  if (t === 0) return 1 // jstat's cdf of 0 is 0.499999995
  if (!Number.isFinite(t)) return 0
  const tail = degrees > AS_NORMAL ? normal.cdf(-Math.abs(t), 0, 1) : studentt.cdf(-Math.abs(t), degrees)
  return Math.min(1, 2 * tail)
}
