import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { isSeed } from '../../experiment/seeds.js'
import type { PlannedSweep } from '../run/folder.js'

/** A cell's axes without its seeds. */
export const withoutSeeds = (axes: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(axes).filter(([key]) => !isSeed(key)))

/** Cells of one kind last equally long. */
export const kindOfCell = ({ axes }: PlannedSweep['cells'][number]): string => JSON.stringify(withoutSeeds(axes))

/** What makes no difference to how long a step takes and what memory it needs. */
const NO_MATTER = [
  ...['seed', 'learning_rate', 'weight_decay', 'warmup_steps', 'evaluate_every', 'checkpoint_every'],
  'gradient_clip_norm',
  'label_smoothing',
]

/** Experiments of one measure train alike: one is measured for all. */
export function measureOf({ backbone, method, task, training }: Experiment): string {
  const { subset, ...rows } = task
  const whole = training.epochs !== undefined // how many steps that is depends on the rows
  const size = subset && (whole ? subset.size : Math.min(subset.size, rowsAStep(training)))
  const kept = Object.entries(training).filter(([key]) => !NO_MATTER.includes(key))
  return JSON.stringify([backbone, method, rows, size, kept])
}
