import type { TaskOptions } from './options.js'

/** How an output is found: by greedy decoding, or as the likeliest of the labels or choices. */
export const SCORINGS = ['generate', 'rank'] as const
export type Scoring = (typeof SCORINGS)[number]

/** Whether a task's outputs are a few labels or choices, which can be ranked. */
export const isRankable = ({ kind }: Pick<TaskOptions, 'kind'>): boolean =>
  kind === 'multiple_choice' || kind === 'classification'
