// One rank of test/engine/cluster/cluster_ranks.test.ts: makes every collective call and prints what it got, as JSON.
import { openMpi } from '../../src/engine/cluster/mpi.js'
import { startRanks } from '../../src/engine/cluster/ranks.js'

const ranks = startRanks(openMpi())
const { rank, size, library } = ranks
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

const floats = await ranks.sum(Float32Array.of(rank + 0.5, -1))
const integers = await ranks.sum(Int32Array.of(2 ** 29, rank))
const long = await ranks.sum(new Float32Array(1_000_003).fill(rank + 1))
const told = text(await ranks.broadcast(rank === 0 ? Buffer.from('from rank 0') : new Uint8Array(0)))
const gathered = (await ranks.gather(Buffer.from('x'.repeat(rank)))).map(text)
const nothing = (await ranks.gather(new Uint8Array(0))).map(text)
await ranks.barrier()

const alike = long.every((value) => value === (size * (size + 1)) / 2)
const got = { rank, size, library, floats: [...floats], integers: [...integers], alike, told, gathered, nothing }
process.stdout.write(`${JSON.stringify(got)}\n`)
ranks.end()
