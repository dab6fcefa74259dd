import { startDevice } from '../../engine/device/device.js'
import { peakMemory } from '../../engine/device/memory.js'
import { modeOn, stepperOf } from '../measure.js'
import { measuredBatch } from '../measured_batch.js'
import { LEARNING_RATE, WARM_UP_STEPS } from '../trial.js'
import { PRICED_ROWS, type PriceTrial, type StepCost } from './trial.js'

/** Short steps are taken until so many seconds have passed, long ones twice. */
const TIMED_SECONDS = 1
const FEWEST_STEPS = 2

/**
 * Takes steps with the smaller batch and then with the larger one, on random weights and rows of full length. The
 * fastest counts, since other programs only make a step slower; the first ones, which capture a graph and put all
 * memory in place, do not.
 * @throws UserError where the engine can't do what the trial asks.
 */
export async function stepCost(trial: PriceTrial): Promise<StepCost> {
  const device = await startDevice({ engine: trial.engine, threads: trial.threads })
  const stepper = await stepperOf(trial, modeOn(device, trial), device.threads)
  const [small, large] = PRICED_ROWS.map((batchSize) => measuredBatch({ ...trial, batchSize }))
  const step = async (batch: typeof small) => {
    const started = performance.now()
    await stepper.step(batch!, LEARNING_RATE)
    return (performance.now() - started) / 1000
  }
  try {
    for (let i = 0; i < WARM_UP_STEPS; i++) await step(small)
    const before = peakMemory()
    await step(large)
    const times: number[] = []
    const spent = () => times.reduce((sum, time) => sum + time, 0)
    while (times.length < FEWEST_STEPS || spent() < TIMED_SECONDS) times.push(await step(large))
    return { seconds: Math.min(...times), bytes: [before, peakMemory()] }
  } finally {
    stepper.free()
  }
}
