import damerauLevenshtein from 'damerau-levenshtein'

/** The most letters of a name that is compared: comparing takes time with their square. */
const LONGEST = 200

/**
 * Returns the candidate that was probably meant, or undefined where none is near: at most a third of the letters may
 * differ. It never returns the word itself, which can be among the candidates, for example a file of the wrong kind.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .filter((candidate) => candidate !== word)
    .map((candidate) => ({ candidate, distance: distanceTo(candidate, word) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance < Number.POSITIVE_INFINITY ? best.candidate : undefined
}

/**
 * Counts the insertions, deletions, replacements and swaps of neighbours that turn one word into the other, ignoring
 * case; infinite where they are too many for one word to be meant by the other.
 */
export function distanceTo(candidate: string, word: string): number {
  const most = Math.max(1, Math.ceil(candidate.length / 3))
  const longest = Math.max(word.length, candidate.length)
  if (longest > LONGEST || Math.abs(word.length - candidate.length) > most) return Number.POSITIVE_INFINITY
  const { steps: distance } = damerauLevenshtein(word.toLowerCase(), candidate.toLowerCase())
  return distance <= most ? distance : Number.POSITIVE_INFINITY
}
