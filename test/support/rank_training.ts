// One rank of test/engine/cluster/mpi_steps.test.ts: takes twenty steps of each METHOD. Rank 0 prints the losses as
// JSON, a method a line, and writes the trained values into FOLDER, float32, the first method's as 0.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openMpi } from '../../src/engine/cluster/mpi.js'
import { startRanks } from '../../src/engine/cluster/ranks.js'
import { startDevice } from '../../src/engine/device/device.js'
import { twentySteps } from './twenty_steps.js'

const [engine, mode, file, folder, ...methods] = process.argv.slice(2) as [
  'tensorflow' | 'wasm',
  'replay' | 'eager',
  string,
  string,
  ...string[],
]
const ranks = startRanks(openMpi())
const ended = () => ranks.abort(1)
process.once('exit', ended)
await startDevice({ engine, threads: 1 })
for (const [place, method] of methods.entries()) {
  const { losses, vector } = await twentySteps(file, method, mode, { ranks })
  if (ranks.rank > 0) continue
  writeFileSync(join(folder, String(place)), vector)
  process.stdout.write(`${JSON.stringify(losses)}\n`)
}
process.off('exit', ended)
ranks.end()
