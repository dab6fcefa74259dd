import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { isSeed } from '../../experiment/seeds.js'
import type { PlannedSweep } from '../run/folder.js'

/** Returns a cell's axes without its seeds. */
export const withoutSeeds = (axes: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(axes).filter(([key]) => !isSeed(key)))

/** Returns a text that is the same for cells that take equally long. */
export const kindOfCell = ({ axes }: PlannedSweep['cells'][number]): string => JSON.stringify(withoutSeeds(axes))

/** Keys that make no difference to the time and memory of a step. */
const NO_MATTER = [
  ...['seed', 'learning_rate', 'weight_decay', 'warmup_steps', 'evaluate_every', 'checkpoint_every'],
  'gradient_clip_norm',
  'label_smoothing',
]

/** Returns a text that is the same for experiments with equal time and memory, of which one is measured for all. */
export function measureOf({ backbone, method, task, training }: Experiment): string {
  const { subset, ...rows } = task
  const whole = training.epochs !== undefined // how many steps that is depends on the rows
  const size = subset && (whole ? subset.size : Math.min(subset.size, rowsAStep(training)))
  const kept = Object.entries(training).filter(([key]) => !NO_MATTER.includes(key))
  return JSON.stringify([backbone, method, rows, size, kept])
}
