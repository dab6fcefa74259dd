/** What the paper states of a method on t5-base, in percent. */
export interface Published {
  /** Trained parameters, of the backbone's: its table, at bottlenecks of 24. */
  share_percent?: number
  /** Time and peak memory less full fine-tuning's, of full fine-tuning's: its table of efficiency, on MNLI. */
  time_percent?: number
  memory_percent?: number
}

export const PUBLISHED_IN = 'Karimi Mahabadi, Henderson and Ruder, NeurIPS 2021, arXiv 2106.04647: t5-base'

const compacter = { share_percent: 0.073, time_percent: -13.41 }
const compacterPlusPlus = { share_percent: 0.047, time_percent: -26.51, memory_percent: -41.94 }
const prompts = { share_percent: 0.034, memory_percent: 24.42 }

/** By a method's name in tables. Options that the number is not of are in the name, and so have no number. */
export const PUBLISHED: Readonly<Record<string, Published>> = {
  adapter: { share_percent: 0.832 },
  'pfeiffer-adapter': { share_percent: 0.427 },
  adapterdrop: { share_percent: 0.494 },
  'low-rank-adapter': { share_percent: 0.073 },
  'phm-adapter, n = 12': { share_percent: 0.179 },
  compacter,
  'compacter, n = 8': compacter,
  'compacter, n = 12': compacter,
  'compacter++': compacterPlusPlus,
  'compacter++, n = 8': compacterPlusPlus,
  'compacter++, n = 12': compacterPlusPlus,
  bitfit: { share_percent: 0.126 },
  'intrinsic-said': { share_percent: 0.009 },
  'intrinsic-said, dimension = 1400': { memory_percent: 41.14 },
  'prompt-tuning-r': prompts,
  'prompt-tuning-t': prompts,
}
