// One process or rank of speed.ts: BACKBONE ROWS STEPS [mpi]; rank 0 prints the milliseconds of each step, as JSON.
import { locateBackbone } from '../../src/backbone/locate.js'
import { openBackbone } from '../../src/backbone/weights.js'
import { openMpi } from '../../src/engine/cluster/mpi.js'
import { alone, startRanks } from '../../src/engine/cluster/ranks.js'
import { ranksStepper } from '../../src/engine/cluster/stepper.js'
import { startDevice } from '../../src/engine/device.js'
import { blueprintOf, startVector } from '../../src/engine/model.js'
import { startState } from '../../src/engine/optimizer.js'
import { replayStepper } from '../../src/engine/stepper.js'
import type { Experiment } from '../../src/experiment/schema.js'
import { methodOptions } from '../../src/method/options.js'
import { wholeBatch } from '../../src/task/batches.js'

const [name, rows, steps, mpi] = process.argv.slice(2)
const [size, sourceLength, targetLength] = [Number(rows), 64, 4]
const ranks = mpi ? startRanks(openMpi()) : alone
const backbone = openBackbone(await locateBackbone(name!))
await startDevice({ engine: 'tensorflow', threads: 1 })
const blueprint = blueprintOf(backbone.config, methodOptions.parse({ kind: 'compacter' }))
const training = { seed: 1, dropout: 0.1, gradient_clip_norm: 1, checkpoint_activations: false, precision: 'float32' }
const start = startState(startVector(blueprint, backbone.read, 1))
const options = { read: backbone.read, threads: 1 }
const local = await replayStepper(blueprint, { training } as Experiment, start, options)
const stepper = mpi ? ranksStepper(local, ranks, () => false) : local
const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 3 + ((i * 7919) % 1000))
const batch = wholeBatch({ sourceIds: ids(size * sourceLength), targetIds: ids(size * targetLength) }, size)
const times: number[] = []
for (let step = 0; step < Number(steps) + 2; step++) {
  const from = performance.now()
  await stepper.step(batch, 1e-3)
  if (step >= 2) times.push(performance.now() - from) // the first captures
}
if (ranks.rank === 0) process.stdout.write(`${JSON.stringify(times)}\n`)
if (mpi) ranks.end()
process.exit(0)
