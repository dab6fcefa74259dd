/** Axes whose values are repetitions: results are their mean and standard deviation. */
const SEEDS = ['training.seed', 'task.subset.seed', 'task.split_seed']

export const isSeed = (key: string): boolean => SEEDS.includes(key)
