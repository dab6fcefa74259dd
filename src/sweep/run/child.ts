// A process of its own for one cell.

import { Interrupted } from '../../cli/interrupt.js'
import { answerJob, type Failure } from '../../engine/apart/child.js'
import type { DeviceOptions } from '../../engine/device/device.js'
import { CellBusy, runCell } from './cell.js'

export type Job = DeviceOptions & { folder: string; index: number; allowChanged?: boolean | undefined }
export type Answer = 'finished' | 'interrupted' | 'busy' | Failure

answerJob(async ({ folder, index, ...options }: Job, progress, interrupted): Promise<Answer> => {
  try {
    await runCell(folder, index, { ...options, progress, interrupted })
    return 'finished'
  } catch (error) {
    if (error instanceof Interrupted) return 'interrupted'
    if (error instanceof CellBusy) return 'busy'
    throw error
  }
})
