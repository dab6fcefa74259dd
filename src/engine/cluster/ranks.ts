import { hostname } from 'node:os'
import type { Mpi } from './mpi.js'

/** The most values of one call: MPI counts in 32 bits. */
const PIECE = 2 ** 28

/** MPI_THREAD_SERIALIZED: calls come from several threads, one at a time. */
const SERIALIZED = 2

/**
 * The processes that compute one thing together, seen from one of them. Every call is made by all ranks, in the same
 * order.
 */
export interface Ranks {
  readonly rank: number
  readonly size: number
  /** Name of this rank's host. */
  readonly host: string
  /** In words: 'Open MPI 4.1.4'; undefined for a single process without MPI. */
  readonly library: string | undefined
  /** Returns the sum over all ranks, the same on each. */
  sum<T extends Float32Array | Int32Array>(values: T): Promise<T>
  /** Returns rank 0's bytes, on every rank. */
  broadcast(bytes: Uint8Array): Promise<Uint8Array>
  /** Returns every rank's bytes, by rank, on every rank. */
  gather(bytes: Uint8Array): Promise<Uint8Array[]>
  /** Resolves when every rank has called it. */
  barrier(): Promise<void>
  /** Ends all ranks at once; the launcher's exit code is `code`. */
  abort(code: number): void
  /** Leaves MPI; this must be the last call. */
  end(): void
}

/** A single process. */
export const alone: Ranks = {
  rank: 0,
  size: 1,
  host: hostname(),
  library: undefined,
  sum: async (values) => values,
  broadcast: async (bytes) => bytes,
  gather: async (bytes) => [bytes],
  barrier: async () => {},
  abort: (code) => process.exit(code),
  end: () => {},
}

/** Enters MPI. The world is what the library says; the caller has to check whether it is the launcher's. */
export function startRanks(mpi: Mpi): Ranks {
  const world = enter(mpi)
  const { functions, handles, version } = mpi
  return {
    rank: world.rank,
    size: world.size,
    host: hostname(),
    library: version,
    sum: (values) => sum(world, values),
    broadcast: (bytes) => broadcast(world, bytes),
    gather: (bytes) => gather(world, bytes),
    barrier: () => world.call('barrier', handles.world),
    abort: (code) => void functions.abort(handles.world, code),
    end: () => void functions.finalize(),
  }
}

type Collective = 'allreduce' | 'broadcast' | 'allgather' | 'barrier'

/** MPI's world, seen from one of its ranks. */
interface World extends Pick<Ranks, 'rank' | 'size'> {
  handles: Mpi['handles']
  /** Calls a function off the main thread, so that the event loop still handles signals and the terminal. */
  call(name: Collective, ...args: unknown[]): Promise<void>
}

function enter({ version, functions, handles }: Mpi): World {
  const read = (ask: (out: number[]) => number): number => {
    const out = [0]
    const code = ask(out)
    if (code !== 0) throw new Error(`${version} answered with error ${code}`)
    return out[0]!
  }
  const level = read((out) => functions.init(null, null, SERIALIZED, out))
  if (level < SERIALIZED) throw new Error(`${version} was built without threads (it provides level ${level})`)
  const call: World['call'] = (name, ...args) =>
    new Promise((resolve, reject) => {
      functions[name].async(...args, (error: Error | null, code: number) => {
        if (error) reject(error)
        else if (code !== 0) reject(new Error(`${version}: ${name} answered with error ${code}`))
        else resolve()
      })
    })
  return {
    rank: read((out) => functions.rank(handles.world, out)),
    size: read((out) => functions.size(handles.world, out)),
    handles,
    call,
  }
}

async function sum<T extends Float32Array | Int32Array>({ handles, call }: World, values: T): Promise<T> {
  const type = values instanceof Float32Array ? handles.float : handles.int32
  const total = new (values.constructor as new (length: number) => T)(values.length)
  for (let from = 0; from < values.length; from += PIECE) {
    const [own, out] = [values.subarray(from, from + PIECE), total.subarray(from, from + PIECE)]
    await call('allreduce', own, out, own.length, type, handles.sum, handles.world)
  }
  return total
}

async function broadcast(world: World, bytes: Uint8Array): Promise<Uint8Array> {
  const { rank, handles, call } = world
  const length = await lengthOf(world, rank === 0 ? bytes.length : 0)
  const whole = rank === 0 ? bytes : new Uint8Array(length)
  for (let from = 0; from < length; from += PIECE) {
    const piece = whole.subarray(from, from + PIECE)
    await call('broadcast', piece, piece.length, handles.byte, 0, handles.world)
  }
  return whole
}

/**
 * Returns a number of one rank on all; every other rank passes 0. It is sent in two parts, since int32 ends at 2 GiB.
 */
async function lengthOf(world: World, own: number): Promise<number> {
  const [high, low] = await sum(world, Int32Array.of(Math.floor(own / 2 ** 30), own % 2 ** 30))
  return high! * 2 ** 30 + low!
}

async function gather(world: World, bytes: Uint8Array): Promise<Uint8Array[]> {
  const { rank, size, handles, call } = world
  const own = new Int32Array(size)
  own[rank] = bytes.length
  const lengths = await sum(world, own)
  const starts = Int32Array.from(lengths)
  let total = 0
  for (const [i, length] of lengths.entries()) {
    starts[i] = total
    total += length
  }
  if (total > PIECE) throw new Error(`${total} bytes are too many to gather at once`)
  const all = new Uint8Array(total)
  await call('allgather', bytes, bytes.length, handles.byte, all, lengths, starts, handles.byte, handles.world)
  return Array.from(lengths, (length, i) => all.slice(starts[i]!, starts[i]! + length))
}
