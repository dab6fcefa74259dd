// What a captured shape costs and from which step on it has paid: eager, replay without cached graphs and with them
// take turns, each in a process of its own.   npx tsx bench/capture.bench.ts [backbone, default t5-small] [rounds,
// default 2] [batch, default 32]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backbonePreset } from '../src/backbone/files/preset.js'
import { median } from '../src/base/numbers/quantile.js'
import { startDevice } from '../src/engine/device/device.js'
import { blueprintOf, loadModel, startVector } from '../src/engine/model/model.js'
import { trainingStep } from '../src/engine/model/step.js'
import { startState } from '../src/engine/optimizer/optimizer.js'
import { startReplay } from '../src/engine/replay/replay.js'
import { randomWeights } from '../src/measure/random_weights.js'
import { methodOptions } from '../src/method/options.js'
import { type Batch, wholeBatch } from '../src/task/tokens/batches.js'
import { dropoutAt } from '../src/tensor/dropout.js'

const [LENGTHS, TARGET, STEPS, THREADS, DROPOUT, SEED, RATE] = [[64, 48, 32], 4, 5, 2, 0.1, 42, 1e-3]
const MODES = ['eager', 'cold', 'cached'] as const
type Mode = (typeof MODES)[number]

const method = methodOptions.parse({ kind: 'compacter', n: 4, rank: 1, reduction_factor: 32 })

/** Of one shape: seconds of each step, and MiB that were resident more after the first. */
interface Shape {
  seconds: number[]
  mebibytes: number
}

interface Measured {
  shapes: Shape[]
  /** Seconds from the start of the process to the end of its first step. */
  first: number
  /** Seconds from the first read weight to the end of the first step. */
  prepared: number
}

const [backbone = 't5-small', rounds = '2', batchSize = '32'] = process.argv.slice(2)
const mode = process.env.BENCH_MODE as Mode | undefined
if (mode) console.log(JSON.stringify(await measure(mode, process.env.BENCH_GRAPHS!)))
else compare()

function compare(): void {
  const all = new Map<Mode, Measured[]>(MODES.map((mode) => [mode, []]))
  for (let round = 0; round < Number(rounds); round++) {
    const graphs = mkdtempSync(join(tmpdir(), 'compacter-bench-'))
    for (const mode of MODES) all.get(mode)!.push(run(mode, graphs))
    rmSync(graphs, { recursive: true })
  }
  console.log(`\n${backbone}, batch ${batchSize}, sources of ${LENGTHS}, targets of ${TARGET}, ${rounds} rounds\n`)
  console.log(
    '| | start to first step | a step at 64 | a shape more costs | and keeps | in tokens of a step | pays from, ' +
      'one shape | each shape more |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  for (const [mode, runs] of all) console.log(row(mode, runs, all.get('eager')!))
}

function row(mode: Mode, runs: Measured[], eager: Measured[]): string {
  const step = stepSeconds(runs)
  const prepared = median(runs.map((run) => run.prepared))
  const more = runs.flatMap(({ shapes }) => shapes.slice(1))
  const shape = median(more.map(({ seconds }) => seconds[0]! - median(seconds.slice(1))))
  const gain = stepSeconds(eager) - step
  const start = prepared - step - (median(eager.map((run) => run.prepared)) - stepSeconds(eager))
  const cells = [
    mode,
    `${median(runs.map(({ first }) => first)).toFixed(1)} s`,
    `${(1000 * step).toFixed(0)} ms`,
    `${shape.toFixed(2)} s`,
    `${median(more.map(({ mebibytes }) => mebibytes)).toFixed(0)} MiB`,
    ((shape / step) * 64 * Number(batchSize)).toFixed(0),
    mode === 'eager' ? '' : gain > 0 ? Math.ceil(start / gain).toString() : 'never',
    mode === 'eager' ? '' : gain > 0 ? Math.ceil(shape / gain).toString() : 'never',
  ]
  return `| ${cells.join(' | ')} |`
}

function stepSeconds(runs: Measured[]): number {
  return median(runs.flatMap(({ shapes }) => shapes[0]!.seconds.slice(1)))
}

function run(mode: Mode, graphs: string): Measured {
  const output = execFileSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, BENCH_MODE: mode, BENCH_GRAPHS: graphs },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(output.trim().split('\n').at(-1)!)
}

async function measure(mode: Mode, graphs: string): Promise<Measured> {
  await startDevice({ engine: 'tensorflow', threads: THREADS })
  const started = performance.now()
  const step = await (mode === 'eager' ? eagerSteps() : replaySteps(graphs))
  const shapes: Shape[] = []
  let [first, prepared] = [0, 0]
  for (const sourceLength of LENGTHS) {
    const before = process.memoryUsage.rss()
    const seconds: number[] = []
    let after = before
    for (let index = 0; index < STEPS; index++) {
      const began = performance.now()
      await step(batchOf(sourceLength), shapes.length * STEPS + index)
      seconds.push((performance.now() - began) / 1000)
      if (index === 0) after = process.memoryUsage.rss()
      if (first === 0) [first, prepared] = [process.uptime(), (performance.now() - started) / 1000]
    }
    shapes.push({ seconds, mebibytes: (after - before) / 2 ** 20 })
  }
  return { shapes, first, prepared }
}

function batchOf(sourceLength: number): Batch {
  const size = Number(batchSize)
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 2 + ((i * 7919) % 8000))
  return wholeBatch({ source: ids(size * sourceLength), target: ids(size * TARGET) }, size)
}

type Step = (batch: Batch, step: number) => Promise<unknown>

async function eagerSteps(): Promise<Step> {
  const { config } = backbonePreset(backbone)!
  const read = randomWeights(config, SEED)
  const model = loadModel(config, method, read, SEED)
  let state = startState(startVector(model, read, SEED))
  return async (batch, step) => {
    const options = { learningRate: RATE, gradientClipNorm: 1, dropout: dropoutAt(DROPOUT, SEED, step) }
    state = (await trainingStep(model, state, batch, options)).state
  }
}

async function replaySteps(graphs: string): Promise<Step> {
  const { config } = backbonePreset(backbone)!
  const read = randomWeights(config, SEED)
  const blueprint = blueprintOf(config, method)
  const replay = await startReplay(blueprint, read, { seed: SEED, dropout: DROPOUT, threads: THREADS, graphs })
  const vector = startVector(blueprint, read, SEED)
  const zeros = new Float32Array(vector.length)
  await replay.write({ vector, first: zeros, second: zeros })
  return (batch, step) => replay.step(batch, step, RATE)
}
