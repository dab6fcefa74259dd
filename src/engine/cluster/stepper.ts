import type { Experiment } from '../../experiment/schema.js'
import type { Batch } from '../../task/batches.js'
import tf from '../../tf.cjs'
import type { Model } from '../model.js'
import { adam, clipNorm, type OptimizerState } from '../optimizer.js'
import { disposeState } from '../step.js'
import { decoderOf, type Stepper } from '../stepper.js'
import { WorkerLost } from './client.js'
import { shares, weightedSum } from './split.js'
import type { Team } from './team.js'

/**
 * Steps whose gradients workers give, each of a part of the batch's rows; the update is this process's. Frees the given
 * state as it goes. `onLost` hears of a worker that the training goes on without.
 */
export function workersStepper(
  model: Model,
  { training }: Experiment,
  team: Team,
  state: OptimizerState,
  onLost: (error: WorkerLost) => void,
): Stepper {
  let current = state
  return {
    mode: 'replay',
    get count() {
      return current.step
    },
    async step(batch, learningRate) {
      const vector = (await current.vector.data()) as Float32Array
      const { loss, gradient } = await gradientOf(batch, vector)
      const { next, norm } = tf.tidy(() => {
        const { clipped, norm } = clipNorm(tf.tensor1d(gradient), training.gradient_clip_norm)
        return { next: { ...adam(current, clipped, learningRate) }, norm }
      })
      const gradientNorm = (await norm.data())[0]!
      norm.dispose()
      const taken = Number.isFinite(loss) && Number.isFinite(gradientNorm)
      disposeState(taken ? current : next)
      if (taken) current = next
      return { taken, result: { loss, gradientNorm } }
    },
    state: async () => current,
    decoder: async (vector) => decoderOf(model, vector ?? current.vector),
    free: () => disposeState(current),
  }

  async function gradientOf(batch: Batch, vector: Float32Array) {
    for (;;) {
      const parts = shares(batch, team.workers.length)
      const asked = parts.map((part, i) => team.workers[i]!.gradient(vector, part, current.step))
      if (training.on_worker_lost === 'stop') return summed(await Promise.all(asked), parts)
      const outcomes = await Promise.allSettled(asked)
      const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
      if (lost.length === 0) return summed(await Promise.all(asked), parts)
      for (const error of lost) leave(error)
    }
  }

  function leave(error: unknown): void {
    if (!(error instanceof WorkerLost)) throw error
    team.workers = team.workers.filter(({ address }) => address !== error.address)
    if (team.workers.length === 0) throw error
    team.lost.push({ address: error.address, step: current.step + 1 })
    onLost(error)
  }
}

/** Means over parts, made the mean over all target tokens. */
function summed(results: { loss: number; gradient: Float32Array }[], parts: { tokens: number }[]) {
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0)
  const weights = parts.map((part) => part.tokens / tokens)
  return {
    loss: results.reduce((sum, { loss }, i) => sum + loss * weights[i]!, 0),
    gradient: weightedSum(
      results.map(({ gradient }) => gradient),
      weights,
    ),
  }
}
