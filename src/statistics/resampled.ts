import type { Bits } from './bits.js'

/**
 * A score that can be computed again for other selections of its units. A unit is what is drawn as a whole: a row, or a
 * group of rows that belong together.
 */
export interface Resampled<Own = unknown> {
  units: number
  /** The score of all units, each once. */
  observed: number
  /** Returns the score of a selection that has the unit u `counts[u]` times. */
  of(counts: Int32Array): number
  /**
   * Returns a function of random bits: the first score minus the second after both have exchanged their answers to each
   * unit with probability ½.
   */
  against(second: Own): (bits: Bits) => number
}
