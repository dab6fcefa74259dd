import type { Batch } from '../../task/tokens/batches.js'
import { type Gradient, rowsOf, type Share } from './share.js'
import type { PartStepper } from './stepper.js'

/**
 * Returns a stepper that computes the gradient of a few rows at a time and sums it, so that a step needs the memory of
 * only these rows. Each part counts by its target tokens and has its rows of the whole batch's dropout masks, so the
 * update is that of the whole batch, apart from rounding.
 * @param most rows at a time
 */
export function accumulating(stepper: PartStepper, most: number): PartStepper {
  const { mode, size } = stepper
  async function gradient(share: Share): Promise<Gradient> {
    const { size: rows } = share.batch
    if (rows <= most) return stepper.gradient(share)
    const sum = { loss: 0, values: new Float32Array(size) }
    for (let from = 0; from < rows; from += most) {
      const part = rowsOf(share, from, Math.min(most, rows - from))
      const { loss, values } = await stepper.gradient(part)
      sum.loss += part.weight * loss
      for (let i = 0; i < size; i++) sum.values[i]! += part.weight * values[i]!
    }
    return sum
  }
  return {
    mode,
    size,
    get count() {
      return stepper.count
    },
    step: async (batch: Batch, learningRate) => stepper.update(await gradient({ batch }), learningRate),
    gradient,
    update: (whole, learningRate) => stepper.update(whole, learningRate),
    state: () => stepper.state(),
    decoder: (vector) => stepper.decoder(vector),
    free: () => stepper.free(),
  }
}
