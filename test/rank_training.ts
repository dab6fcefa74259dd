// One rank of test/engine/mpi_steps.test.ts: METHOD … takes twenty steps of each; rank 0 prints losses and trained values, as JSON.
import { openMpi } from '../src/engine/cluster/mpi.js'
import { startRanks } from '../src/engine/cluster/ranks.js'
import { startDevice } from '../src/engine/device.js'
import { twentySteps } from './twenty_steps.js'

const [engine, mode, file, ...methods] = process.argv.slice(2) as [
  'tensorflow' | 'wasm',
  'replay' | 'eager',
  ...string[],
]
const ranks = startRanks(openMpi())
const ended = () => ranks.abort(1)
process.once('exit', ended)
await startDevice({ engine, threads: 1 })
for (const method of methods) {
  const { losses, vector } = await twentySteps(file!, method, mode, { ranks })
  if (ranks.rank === 0) process.stdout.write(`${JSON.stringify({ method, losses, vector: Array.from(vector) })}\n`)
}
process.off('exit', ended)
ranks.end()
