import { UserError } from '../../base/error.js'
import type { Progress } from '../../base/progress.js'
import { byteSize } from '../../base/text/size.js'
import { Agreed } from '../../cli/interrupt.js'
import type { Experiment } from '../../experiment/schema.js'
import type { ChosenBatch } from '../../run/manifest.js'
import { measureApart } from '../apart/measure.js'
import type { Ranks } from '../cluster/ranks.js'
import type { DeviceOptions } from '../device/device.js'

interface Options extends DeviceOptions {
  progress: Progress
  interrupted: () => boolean
  ranks: Ranks
}

/**
 * Chooses the batch size of an experiment with `auto`: the largest that fits in a dry run in a process of its own, so
 * that the memory of the attempts does not belong to the training. Reports it.
 * @throws Interrupted; UserError where ranks share the training, or the memory can't be measured or is not enough
 */
export async function chooseBatchSize(experiment: Experiment, options: Options): Promise<ChosenBatch> {
  const { progress, ranks } = options
  if (ranks.size > 1) throw sharedByRanks(ranks.size)
  progress.phase('Choosing the batch size')
  const measured = await measureApart(experiment, options)
  if ('failure' in measured) throw notMeasured(measured.failure)
  const chosen = measured.plan.batch_size_auto!
  const { rows, peak_memory_bytes, available_bytes } = chosen
  progress.note(
    `Batch size: ${rows} (training.batch_size: auto). Steps on the longest rows take ` +
      `${byteSize(peak_memory_bytes)} of the ${byteSize(available_bytes)} that are free.`,
  )
  return chosen
}

const sharedByRanks = (size: number) =>
  new Agreed({
    at: 'training.batch_size',
    problem: `is auto, which goes by the memory of one process; ${size} ranks share each step.`,
    remedy: 'Set it to a number of rows.',
  })

/** @param failure what the process said, with the key if it names one */
const notMeasured = (failure: string) => {
  const own = 'training.batch_size: '
  const problem = failure.startsWith(own) ? failure.slice(own.length) : `is auto, and can't be chosen: ${failure}`
  return new UserError({ at: 'training.batch_size', problem })
}
