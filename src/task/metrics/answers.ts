/**
 * Normalises as SQuAD does (the official evaluate-v1.1 script): lower case, without ASCII punctuation and the words a,
 * an, the, with single spaces.
 */
export function normaliseAnswer(text: string): string {
  return text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])/gu, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ')
}

/** Returns 1 if both are the same after normalising, otherwise 0. */
export function exactMatch(prediction: string, target: string): number {
  return normaliseAnswer(prediction) === normaliseAnswer(target) ? 1 : 0
}

/**
 * Returns the F1 of the normalised words, each counted as often as it occurs. Two empty texts have no words in common:
 * 0.
 */
export function tokenF1(prediction: string, target: string): number {
  const predicted = words(normaliseAnswer(prediction))
  const wanted = words(normaliseAnswer(target))
  const left = new Map<string, number>()
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1)
  let common = 0
  for (const word of predicted) {
    const count = left.get(word) ?? 0
    if (count === 0) continue
    left.set(word, count - 1)
    common++
  }
  return harmonicMean(common, predicted.length, wanted.length)
}

/**
 * Returns ROUGE-L: the F1 of the longest common subsequence of words. Words are lower-case runs of a–z and 0–9, not
 * stemmed.
 */
export function rougeL(prediction: string, target: string): number {
  const [predicted, wanted] = [prediction, target].map((text) => words(text.toLowerCase().replace(/[^a-z0-9]+/g, ' ')))
  return harmonicMean(longestCommonSubsequence(predicted!, wanted!), predicted!.length, wanted!.length)
}

/** Returns the score against the answer that gives the highest; 0 without answers. */
export function bestMatch(
  metric: (prediction: string, target: string) => number,
  prediction: string,
  answers: string[],
): number {
  return answers.reduce((best, answer) => Math.max(best, metric(prediction, answer)), 0)
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}

/** Returns the harmonic mean of common/predicted (precision) and common/wanted (recall). */
function harmonicMean(common: number, predicted: number, wanted: number): number {
  return common === 0 ? 0 : (2 * common) / (predicted + wanted)
}

function longestCommonSubsequence(a: string[], b: string[]): number {
  let row = new Array<number>(b.length + 1).fill(0)
  for (const word of a) {
    const next = [0]
    for (let j = 0; j < b.length; j++) next.push(word === b[j] ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!))
    row = next
  }
  return row[b.length]!
}
