// Peak memory and time of training steps whose batch is computed in parts, beside the whole batch at once; a process
// each.   npx tsx bench/micro_batch.bench.ts [backbone, default t5-small] [rows, default 100] [source length, default
// 64] [rows at a time, default 25]
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from '../src/base/numbers/quantile.js'
import { startDevice } from '../src/engine/device/device.js'
import { peakMemory } from '../src/engine/device/memory.js'
import { accumulating } from '../src/engine/model/accumulate.js'
import { blueprintOf, startVector } from '../src/engine/model/model.js'
import { replayStepper } from '../src/engine/model/stepper.js'
import { startState } from '../src/engine/optimizer/optimizer.js'
import { loadExperiment, readExperiment } from '../src/experiment/load/load.js'
import { randomWeights } from '../src/measure/random_weights.js'
import { wholeBatch } from '../src/task/tokens/batches.js'

const [STEPS, SEED, TARGET_LENGTH] = [3, 42, 4]
const [backbone = 't5-small', rows = '100', length = '64', most = '25', own] = process.argv.slice(2)

if (own === undefined) {
  const measured = [Number(rows), Number(most)].map((most) => {
    const args = ['--import', 'tsx', fileURLToPath(import.meta.url), backbone, rows, length, `${most}`, 'measure']
    const { bytes, ms } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
    console.log(
      `${backbone}, ${rows} rows of ${length} tokens, ${most} at a time: ${(bytes / 2 ** 20).toFixed(0)} MiB, ` +
        `${ms.toFixed(0)} ms a step`,
    )
    return { bytes, ms }
  })
  const [whole, parts] = measured
  console.log(
    `memory ${(parts!.bytes / whole!.bytes).toFixed(2)} of the whole batch's, time ` +
      `${(parts!.ms / whole!.ms).toFixed(2)}`,
  )
} else console.log(JSON.stringify(await measure()))

async function measure(): Promise<{ bytes: number; ms: number }> {
  const device = await startDevice({ engine: 'tensorflow' })
  const sets = [`backbone=${backbone}`, 'method=compacter']
  const { config } = readExperiment('quickstart', sets)
  const experiment = loadExperiment('quickstart', sets)
  const blueprint = blueprintOf(config!, experiment.method)
  const read = randomWeights(config!, SEED)
  const state = startState(startVector(blueprint, read, SEED))
  const whole = await replayStepper(blueprint, experiment, state, { read, threads: device.threads })
  const stepper = accumulating(whole, Number(most))
  const ids = (count: number) =>
    Int32Array.from({ length: count }, (_, i) => 2 + ((i * 7919) % (config!.vocabulary - 2)))
  const size = Number(rows)
  const tokens = { source: ids(size * Number(length)), target: ids(size * TARGET_LENGTH) }
  const batch = wholeBatch(tokens, size)
  const times: number[] = []
  for (let step = 0; step <= STEPS; step++) {
    const started = performance.now()
    const { result } = await stepper.step(batch, 1e-3)
    if (!Number.isFinite(result.loss)) throw new Error(`the loss is ${result.loss}`)
    if (step > 0) times.push(performance.now() - started)
  }
  return { bytes: peakMemory(), ms: median(times) }
}
