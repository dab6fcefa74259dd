import { Interrupted } from '../../cli/interrupt.js'
import { gathered } from './agree.js'
import type { Ranks } from './ranks.js'

/**
 * Shares batches: in each round every rank takes one, and they exchange their results. A round's results are in the
 * batches' order, the same on every rank.
 * @throws Interrupted where any rank is asked to stop
 */
export async function* sharedBatches<Batch, Made>(
  batches: readonly Batch[],
  { ranks, interrupted }: { ranks: Ranks; interrupted: () => boolean },
  work: (batch: Batch) => Promise<Made>,
): AsyncGenerator<Made[]> {
  for (let first = 0; first < batches.length; first += ranks.size) {
    const stopped = interrupted()
    const own = batches.slice(first + ranks.rank, first + ranks.rank + 1)
    const made = stopped ? [] : await Promise.all(own.map(work))
    const all = await gathered(ranks, { stopped, made })
    if (all.some(({ stopped }) => stopped)) throw new Interrupted()
    yield all.flatMap(({ made }) => made)
    await new Promise(setImmediate) // lets signals in
  }
}
