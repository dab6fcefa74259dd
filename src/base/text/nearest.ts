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
 * Counts the letters that differ, ignoring case; infinite where too many differ for one word to be meant by the other.
 */
export function distanceTo(candidate: string, word: string): number {
  const most = Math.max(1, Math.ceil(candidate.length / 3))
  const longest = Math.max(word.length, candidate.length)
  if (longest > LONGEST || Math.abs(word.length - candidate.length) > most) return Number.POSITIVE_INFINITY
  const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
  return distance <= most ? distance : Number.POSITIVE_INFINITY
}

/**
 * Counts the insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment).
 */
export function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)])
  rows[0] = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY
      rows[i]![j] = Math.min(replaced, swap, rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1)
    }
  }
  return rows[a.length]![b.length]!
}
