import { deserialize, serialize } from 'node:v8'
import { UserError } from '../../base/error.js'
import type { Ranks } from './ranks.js'

/** The bytes of a rank, and the host that it runs on. */
export interface OfRank {
  host: string
  bytes: Uint8Array
}

export async function gatherBytes(ranks: Ranks, bytes: Uint8Array): Promise<OfRank[]> {
  const [hosts, all] = [await gathered(ranks, ranks.host), await ranks.gather(bytes)]
  return all.map((bytes, rank) => ({ host: hosts[rank]!, bytes }))
}

/** Returns every rank's value, by rank, on every rank. */
export async function gathered<T>(ranks: Ranks, value: T): Promise<T[]> {
  if (ranks.size === 1) return [value]
  return (await ranks.gather(serialize(value))).map((bytes) => deserialize(bytes) as T)
}

/** Returns what rank 0 makes, on every rank; the others wait for it. */
export async function fromRankZero<T>(ranks: Ranks, make: () => T | Promise<T>): Promise<T> {
  if (ranks.size === 1) return make()
  const own = ranks.rank === 0 ? await make() : undefined
  const bytes = await ranks.broadcast(ranks.rank === 0 ? serialize(own) : new Uint8Array(0))
  return ranks.rank === 0 ? (own as T) : (deserialize(bytes) as T)
}

/** Does the work on rank 0, then on all others: in a shared folder these find what rank 0 has downloaded or made. */
export async function rankZeroFirst<T>(ranks: Ranks, work: () => Promise<T>): Promise<T> {
  if (ranks.rank > 0) await ranks.barrier()
  const result = await work()
  if (ranks.rank === 0) await ranks.barrier()
  return result
}

/** Facts that have to be the same on all ranks: the value, and what to do if it differs. */
export type Facts = Record<string, { value: string; remedy: string }>

/**
 * Compares the facts of all ranks.
 * @throws UserError on rank 0, naming the first other rank that differs, its host and the fact; the others wait
 */
export async function compareFacts(ranks: Ranks, facts: Facts): Promise<void> {
  const all = await gathered(ranks, { host: ranks.host, facts })
  if (ranks.rank === 0) {
    for (const [rank, other] of all.entries())
      for (const [name, { value, remedy }] of Object.entries(facts)) {
        const there = other.facts[name]?.value ?? 'none'
        if (there === value) continue
        throw new UserError({
          at: `rank ${rank} on ${other.host}`,
          problem: `has the ${name} ${there}; rank 0 on ${ranks.host} has ${value}.`,
          remedy,
        })
      }
  }
  await ranks.barrier()
}
