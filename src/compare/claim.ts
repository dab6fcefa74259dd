import { counted } from '../base/text/counted.js'
import { shownScore } from '../run/compare/spread.js'
import type { Comparison } from './pairs.js'

interface Compared {
  rows: number
  units: number
  level: number
}

/** Returns in one sentence or two what a comparison shows, or that it shows nothing. */
export function claimOf(comparison: Omit<Comparison, 'claim'>, of: Compared): string {
  const { metric, method, against, scores, difference, interval, p_corrected, verdict } = comparison
  const [own, other] = scores.map(shownScore)
  const values = `${own} against ${other}`
  const p = shownP(p_corrected)
  if (verdict !== 'none')
    return (
      `${method} is ${verdict} than ${against} in ${metric}: ${values}, ` +
      `a difference of ${shownScore(difference)} (${shownInterval(interval, of.level)}, p ${p}).`
    )
  const none = `No difference can be claimed between ${method} and ${against} in ${metric}`
  if (interval === null) return `${none}: a single ${unitOf(of)} says nothing of others.`
  const same = difference === 0 && interval[0] === 0 && interval[1] === 0
  const found = same ? `both score ${own}, and no ${unitOf(of)} tells them apart` : `${values}, p ${p}`
  return `${none}: ${found}.${shows(comparison, of)}`
}

function shows({ smallest_difference: smallest }: Pick<Comparison, 'smallest_difference'>, of: Compared): string {
  if (smallest === null) return ''
  const these = of.units === 1 ? 'this' : 'these'
  return ` With ${these} ${countedUnits(of)}, a true difference of ${shownScore(smallest)} is found four times in five.`
}

const unitOf = ({ rows, units }: Compared): string => (rows === units ? 'row' : 'group')

/** Returns `1,066 rows`, or `953 groups of rows`. */
export const countedUnits = ({ rows, units }: Compared): string =>
  rows === units ? counted(units, 'row') : `${counted(units, 'group')} of rows`

/** Returns `95 % interval 0.50 to 3.70`. */
const shownInterval = (interval: Comparison['interval'], level: number): string =>
  `${shownLevel(level)} interval ${interval!.map(shownScore).join(' to ')}`

/** Returns `95 %`. */
export const shownLevel = (level: number): string => `${Number((100 * level).toPrecision(6))} %`

/** Returns `= 0.012`, or `< 0.0001`. */
export const shownP = (p: number): string => (p < 0.0001 ? '< 0.0001' : `= ${p < 0.001 ? p.toFixed(4) : p.toFixed(3)}`)
