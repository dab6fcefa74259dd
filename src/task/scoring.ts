/** How an output is found: by greedy decoding, or as the likeliest of the labels or choices. */
export const SCORINGS = ['generate', 'rank'] as const
export type Scoring = (typeof SCORINGS)[number]
