// A process of its own for the steps of one backbone, so that its memory is measured alone.
import { answerJob } from '../../engine/apart/child.js'
import { stepCost } from './steps.js'
import type { PriceTrial } from './trial.js'

answerJob(async (trial: PriceTrial) => ({ cost: await stepCost(trial) }), { saves: false })
