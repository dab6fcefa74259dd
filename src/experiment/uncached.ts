import { backboneIsHere } from '../backbone/files/locate.js'
import { rowsAreHere } from '../task/rows/source.js'
import type { Experiment } from './schema.js'

/** Returns the keys of the experiment that name something on the Hugging Face hub which is not in the cache yet. */
export async function uncached({ backbone, task }: Experiment): Promise<('backbone' | 'task')[]> {
  const isHere = {
    backbone: await backboneIsHere(backbone.name),
    task: await rowsAreHere(task),
  }
  return (['backbone', 'task'] as const).filter((key) => !isHere[key])
}
