// Padding and time a step of the quickstart's training, replayed, with rows in random order and grouped by length: the
// two take turns, each in a process of its own.   npx tsx bench/row_order.bench.ts [rounds, default 3] [batch size …,
// default 32 100]
import { execFileSync } from 'node:child_process'
import { silent } from '../src/base/progress.js'
import { startDevice } from '../src/engine/device/device.js'
import { blueprintOf, startVector } from '../src/engine/model/model.js'
import { replayStepper } from '../src/engine/model/stepper.js'
import { startState } from '../src/engine/optimizer/optimizer.js'
import { preparePadding } from '../src/engine/prepare/prepare.js'
import { closeAll, prepare } from '../src/engine/train/prepared.js'
import { loadExperiment } from '../src/experiment/load/load.js'
import { padBatch } from '../src/task/tokens/batches.js'
import type { Padding } from '../src/task/tokens/lengths.js'

/** Timed steps of a process, spread evenly over the epochs: their mean is what an epoch takes. */
const [TIMED, EPOCHS, THREADS, RATE] = [40, 3, 2, 1e-3]
const ORDERS = ['random', 'grouped by length'] as const
type Order = (typeof ORDERS)[number]

interface Measured {
  padding: Padding
  stepsPerEpoch: number
  /** Of each timed step, in ms. */
  times: number[]
  peakBytes: number
}

const order = process.env.BENCH_ORDER as Order | undefined
if (order) console.log(JSON.stringify(await measure(order, Number(process.env.BENCH_BATCH))))
else compare(Number(process.argv[2] ?? 3), process.argv.slice(3).map(Number))

function compare(rounds: number, batchSizes: number[]): void {
  console.log('| batch | order | source padding | lengths | ms a step, mean | of random | an epoch | peak MiB |')
  console.log('|---|---|---|---|---|---|---|---|')
  for (const batchSize of batchSizes.length > 0 ? batchSizes : [32, 100]) {
    const all = new Map<Order, Measured[]>(ORDERS.map((order) => [order, []]))
    for (let round = 0; round < rounds; round++)
      for (const order of round % 2 === 0 ? ORDERS : ORDERS.toReversed()) all.get(order)!.push(run(order, batchSize))
    const random = step(all.get('random')!)
    for (const [order, runs] of all) {
      const { padding, stepsPerEpoch } = runs[0]!
      const means = runs.map((run) => step([run]).toFixed(0)).join(', ')
      const cells = [
        batchSize,
        order,
        `${padding.source_padding_percent} %`,
        padding.source_lengths.join(', '),
        `${step(runs).toFixed(0)} (${means})`,
        `${(step(runs) / random).toFixed(2)} ×`,
        `${((step(runs) * stepsPerEpoch) / 1000).toFixed(0)} s`,
        (Math.max(...runs.map(({ peakBytes }) => peakBytes)) / 2 ** 20).toFixed(0),
      ]
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
}

function step(runs: Measured[]): number {
  const times = runs.flatMap((run) => run.times)
  return times.reduce((sum, time) => sum + time, 0) / times.length
}

function run(order: Order, batchSize: number): Measured {
  const output = execFileSync(process.execPath, [...process.execArgv, process.argv[1]!], {
    env: { ...process.env, BENCH_ORDER: order, BENCH_BATCH: String(batchSize) },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(output.trim().split('\n').at(-1)!)
}

async function measure(order: Order, batchSize: number): Promise<Measured> {
  const grouped = `training.group_by_length=${order === 'grouped by length'}`
  const length = ['training.steps=null', `training.epochs=${EPOCHS}`, `training.batch_size=${batchSize}`]
  const prepared = await prepare(loadExperiment('quickstart', [...length, grouped]), silent)
  const { experiment, backbone, plan, train, steps } = prepared
  const { threads } = await startDevice({ engine: 'tensorflow', threads: THREADS })
  const { ladder, padding } = preparePadding(prepared, 'replay')
  const blueprint = blueprintOf(backbone.config, experiment.method)
  const state = startState(startVector(blueprint, backbone.files.read, experiment.training.seed))
  const stepper = await replayStepper(blueprint, experiment, state, { ...backbone.files, threads })
  const met = new Set<string>()
  const times: number[] = []
  for (let timed = 0; timed < TIMED; timed++) {
    const rows = plan.batch(Math.floor((timed * steps) / TIMED))
    const batch = padBatch(train.tokens, rows, backbone.config.padId, ladder)
    const shape = [batch.size, ...Object.values(batch.lengths)].join()
    if (!met.has(shape)) await stepper.step(batch, RATE) // captures
    met.add(shape)
    const started = performance.now()
    await stepper.step(batch, RATE)
    times.push(performance.now() - started)
  }
  stepper.free()
  closeAll(prepared)
  return { padding, stepsPerEpoch: plan.stepsPerEpoch, times, peakBytes: process.resourceUsage().maxRSS * 1024 }
}
