// A step of Compacter by one process on one core, and by one and two workers that have a core each; the trainer has what is left.
//   npx tsx bench/workers.ts [steps, default 30] [backbone, default t5-nano] [rows, default 32] [source length, default 64]
// Needs taskset. Bytes are those that the sockets counted.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { locateBackbone } from '../src/backbone/locate.js'
import { openBackbone } from '../src/backbone/weights.js'
import { connectWorker } from '../src/engine/cluster/client.js'
import { shares, weightedSum } from '../src/engine/cluster/split.js'
import { startDevice } from '../src/engine/device.js'
import { blueprintOf, startVector } from '../src/engine/model.js'
import { adam, clipNorm, startState } from '../src/engine/optimizer.js'
import { startReplay } from '../src/engine/replay/replay.js'
import { disposeState } from '../src/engine/step.js'
import { methodOptions } from '../src/method/options.js'
import { packageRoot, version } from '../src/root.js'
import { type Batch, wholeBatch } from '../src/task/batches.js'
import tf from '../src/tf.cjs'

const [steps, name, rows, length] = [
  Number(process.argv[2] ?? 30),
  process.argv[3] ?? 't5-nano',
  Number(process.argv[4] ?? 32),
  Number(process.argv[5] ?? 64),
]
const TARGET = 4
const method = methodOptions.parse({ kind: 'compacter' })

if (process.env.BENCH_ALONE) await alone()
else await compare()

async function compare(): Promise<void> {
  const one = JSON.parse(
    execFileSync('taskset', ['-c', '0', process.execPath, '--import', 'tsx', ...process.argv.slice(1)], {
      env: { ...process.env, BENCH_ALONE: '1' },
      encoding: 'utf8',
    }),
  ) as number[]
  const results = [{ name: 'one process, one core', times: one, sent: 0, received: 0 }]
  for (const count of [1, 2]) results.push(await withWorkers(count))
  console.log(`${name}, ${rows} rows × ${length} tokens, targets of ${TARGET}, ${steps} steps\n`)
  console.log('| | ms a step, median | fastest – slowest | bytes sent a step | received |')
  console.log('|---|---|---|---|---|')
  for (const { name, times, sent, received } of results) {
    const sorted = times.toSorted((a, b) => a - b)
    const [median, first, last] = [sorted[sorted.length >> 1]!, sorted[0]!, sorted.at(-1)!]
    console.log(`| ${name} | ${median.toFixed(1)} | ${first.toFixed(1)} – ${last.toFixed(1)} | ${sent} | ${received} |`)
  }
}

async function opened() {
  const backbone = openBackbone(await locateBackbone(name))
  const device = await startDevice({ engine: 'tensorflow', threads: 1 })
  return { backbone, device, blueprint: blueprintOf(backbone.config, method) }
}

async function alone(): Promise<void> {
  const { backbone, blueprint } = await opened()
  const replay = await startReplay(blueprint, backbone.read, { seed: 1, threads: 1, dropout: 0.1 })
  const vector = startVector(blueprint, backbone.read, 1)
  await replay.write({ vector, first: new Float32Array(vector.length), second: new Float32Array(vector.length) })
  console.log(JSON.stringify(await timed((step) => replay.step(batch(), step, 1e-3))))
  process.exit(0)
}

async function withWorkers(count: number) {
  const { backbone, device, blueprint } = await opened()
  const { config } = backbone
  const started = await Promise.all(Array.from({ length: count }, (_, core) => startPinned(core)))
  const setup = {
    backbone: { name, sha256: backbone.hash(), config },
    method,
    seed: 1,
    dropout: 0.1,
    checkpointActivations: false,
    precision: 'float32' as const,
  }
  const versions = { compacter: version, tensorflow: device.version }
  const options = { setup, versions, size: blueprint.layout.size, read: backbone.read, token: undefined, patience: 0 }
  const workers = await Promise.all(started.map(({ address }) => connectWorker(address, options)))
  let state = startState(startVector(blueprint, backbone.read, 1))
  const traffic = () =>
    workers.reduce((sum, { bytes }) => ({ sent: sum.sent + bytes.sent, received: sum.received + bytes.received }), {
      sent: 0,
      received: 0,
    })
  const before = traffic()
  const times = await timed(async (step) => {
    const parts = shares(batch(), count)
    const vector = state.vector.dataSync() as Float32Array
    const results = await Promise.all(parts.map((part, i) => workers[i]!.gradient(vector, part, step)))
    const tokens = parts.reduce((sum, part) => sum + part.tokens, 0)
    const gradient = weightedSum(
      results.map(({ gradient }) => gradient),
      parts.map((part) => part.tokens / tokens),
    )
    const next = tf.tidy(() => ({ ...adam(state, clipNorm(tf.tensor1d(gradient), 1).clipped, 1e-3) }))
    disposeState(state)
    state = next
  })
  const after = traffic()
  for (const worker of workers) worker.close()
  for (const { kill } of started) kill()
  const a = (key: 'sent' | 'received') => Math.round((after[key] - before[key]) / (steps + 1))
  return {
    name: `${count} worker${count > 1 ? 's' : ''}, one core each`,
    times,
    sent: a('sent'),
    received: a('received'),
  }
}

/** Milliseconds of each step after the first, which captures. */
async function timed(step: (count: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let count = 0; count <= steps; count++) {
    const start = performance.now()
    await step(count)
    if (count > 0) times.push(performance.now() - start)
  }
  return times
}

function batch(): Batch {
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 3 + ((i * 7919) % 1000))
  return wholeBatch({ sourceIds: ids(rows * length), targetIds: ids(rows * TARGET) }, rows)
}

async function startPinned(core: number) {
  const file = join(packageRoot, 'test/worker_process.ts')
  const args = ['-c', String(core), process.execPath, '--import', 'tsx', file, '127.0.0.1:0', '1']
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return { address: /on (\S+),/.exec(String(line))![1]!, kill: () => child.kill('SIGKILL') }
}
