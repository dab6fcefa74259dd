import { createHash } from 'node:crypto'
import { Agreed } from '../../cli/interrupt.js'
import { rowsOf, type Share } from '../model/share.js'
import type { PartStepper, Stepper } from '../model/stepper.js'
import { keptOf, type OptimizerState, valuesOf } from '../optimizer/optimizer.js'
import { gatherBytes } from './agree.js'
import type { Ranks } from './ranks.js'

/** The steps of one rank among several. */
export interface RanksStepper extends Stepper {
  /** Whether any rank had been asked to stop by its last step: the same answer on every rank. */
  stopped(): boolean
}

/**
 * Returns a stepper that shares each step: every rank computes the gradients of its rows of a batch, one sum combines
 * them, and every rank makes the update itself, with the same values. `interrupted` says whether this rank was asked to
 * stop.
 */
export function ranksStepper(local: PartStepper, ranks: Ranks, interrupted: () => boolean): RanksStepper {
  const { size } = local
  let stopped = false
  return {
    mode: local.mode,
    get count() {
      return local.count
    },
    async step(batch, learningRate) {
      const own = new Float32Array(size + 2) // gradient, loss, ranks that were asked to stop
      const share = shareOf(batch, ranks)
      if (share) {
        const { loss, values } = await local.gradient(share)
        for (let i = 0; i < size; i++) own[i] = share.weight * values[i]!
        own[size] = share.weight * loss
      }
      own[size + 1] = interrupted() ? 1 : 0
      const sum = await ranks.sum(own)
      stopped = sum[size + 1]! > 0
      return local.update({ loss: sum[size]!, values: sum.subarray(0, size) }, learningRate)
    },
    async state() {
      const state = await local.state()
      await checkAlike(state, ranks)
      return state
    },
    decoder: (vector) => local.decoder(vector),
    stopped: () => stopped,
    free: () => local.free(),
  }
}

/**
 * Returns a rank's rows of a batch: consecutive, shared as evenly as possible, and their part of the batch's target
 * tokens. Undefined where the batch has fewer rows than there are ranks and this one gets none.
 */
export function shareOf(batch: Share['batch'], { rank, size }: Pick<Ranks, 'rank' | 'size'>) {
  const start = (of: number) => Math.floor((of * batch.size) / size)
  const [from, to] = [start(rank), start(rank + 1)]
  return to > from ? rowsOf({ batch }, from, to - from) : undefined
}

/** A rank's state differs from that of rank 0. Every rank finds this out at once. */
class Parted extends Agreed {}

/**
 * Compares all states.
 * @throws Parted naming the first rank whose trained values or moments have other bits than rank 0's
 */
async function checkAlike(state: OptimizerState, ranks: Ranks): Promise<void> {
  const hash = createHash('sha256')
  for (const [, values] of keptOf(await valuesOf(state))) hash.update(values)
  const digests = await gatherBytes(ranks, hash.digest())
  const other = digests.findIndex(({ bytes }) => !Buffer.from(bytes).equals(digests[0]!.bytes))
  if (other < 0) return
  throw new Parted({
    at: `rank ${other} on ${digests[other]!.host}`,
    problem: `its trained values after step ${state.step} are not those of rank 0.`,
    remedy:
      'They are not saved: go on from the last checkpoint with --resume, on hosts with one kind of processor and ' +
      'one version of MPI.',
  })
}
