import { shortened } from '../../base/text/shortened.js'

/** As many are listed; a file may have many more. */
const LISTED = 50

/** Names for an error, with commas between: of very many the first, of a very long one its beginning. */
export function columnNames(names: readonly string[]): string {
  const shown = names.slice(0, LISTED).map(shortened).join(', ')
  const more = names.length - LISTED
  return more > 0 ? `${shown} and ${more} more` : shown
}
