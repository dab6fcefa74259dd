// A process of its own for a dry run, so that its memory is measured alone.
import type { Experiment } from '../../experiment/schema.js'
import type { DeviceOptions } from '../device/device.js'
import { dryRun } from '../prepare/dry_run.js'
import { answerJob } from './child.js'

answerJob(
  async ({ measure, ...device }: DeviceOptions & { measure: Experiment }, progress) => ({
    plan: await dryRun(measure, { ...device, progress }),
  }),
  { saves: false },
)
