import { counted } from '../../base/text/counted.js'
import type { Misfit } from './load.js'

/** Returns a sentence about the cells that are left out, with every distinct reason. */
export function skippedLine(skipped: readonly Misfit[]): string {
  const reasons = [...new Set(skipped.map(({ reason }) => reason))]
  const be = skipped.length === 1 ? 'is left out: its method does' : 'are left out: their methods do'
  return `${counted(skipped.length, 'cell')} ${be} not fit the backbone. ${reasons.join(' ')}`
}
