import { shortened } from '../../base/text/shortened.js'

/** The most names that are listed; a file may have many more. */
const LISTED = 50

/** Joins names for an error with commas: only the first of very many, and only the beginning of a very long one. */
export function columnNames(names: readonly string[]): string {
  const shown = names.slice(0, LISTED).map(shortened).join(', ')
  const more = names.length - LISTED
  return more > 0 ? `${shown} and ${more} more` : shown
}
