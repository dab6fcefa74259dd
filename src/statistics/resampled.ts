/**
 * A score that can be computed again for other selections of its units. A unit is what is drawn as a whole: a row, or a
 * group of rows that belong together.
 */
export interface Resampled<Own = unknown, Part = unknown> {
  units: number
  /** The score of all units, each once. */
  observed: number
  /** Returns the score of a selection that has the unit u `counts[u]` times. */
  of(counts: Int32Array): number
  /** Returns what this score's differences need to know of an exchange of the units with 1. */
  part(exchanged: Int32Array): Part
  against(second: Own): Against<Part>
}

/** Two scores of the same units. */
export interface Against<Part = unknown> {
  /** Returns the first score minus the second after an exchange of which these are both scores' parts. */
  difference(part: Part, other: Part): number
  /** Returns whether that difference is at least so large, in either direction. */
  reaches(least: number, part: Part, other: Part): boolean
}
