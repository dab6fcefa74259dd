// Greedy decoding on random weights of a backbone's dimensions: eager and replayed take turns, each in a process of its
// own.   npx tsx bench/decode.bench.ts [rounds, default 3] [backbone, default t5-small] [rows, default 32]
import { execFileSync } from 'node:child_process'
import { backbonePreset } from '../src/backbone/files/preset.js'
import { median } from '../src/base/numbers/quantile.js'
import { startDevice } from '../src/engine/device/device.js'
import { type Decoder, eagerDecoder } from '../src/engine/model/decoder.js'
import { blueprintOf, loadModel, startVector } from '../src/engine/model/model.js'
import { startReplay } from '../src/engine/replay/replay.js'
import { randomWeights } from '../src/measure/random_weights.js'
import { methodOptions } from '../src/method/options.js'
import { wholeBatch } from '../src/task/tokens/batches.js'
import tf from '../src/tensor/tf.cjs'

const SHAPES = [
  { source: 64, target: 4 },
  { source: 64, target: 32 },
  { source: 128, target: 4 },
  { source: 16, target: 32 },
]
const [REPETITIONS, THREADS, SEED] = [4, 2, 42]
const MODES = ['eager', 'replay'] as const
type Mode = (typeof MODES)[number]

interface Measured {
  /** Milliseconds of a batch, by shape, the first left out. */
  times: number[][]
  /** Seconds until the first batch was decoded that later ones do not take. */
  first: number
  peak_bytes: number
}

const mode = process.env.BENCH_MODE as Mode | undefined
if (mode) console.log(JSON.stringify(await measure(mode, process.env.BENCH_BACKBONE!, Number(process.env.BENCH_ROWS))))
else compare(Number(process.argv[2] ?? 3), process.argv[3] ?? 't5-small', Number(process.argv[4] ?? 32))

function compare(rounds: number, backbone: string, rows: number): void {
  const all = Array.from({ length: rounds }, () =>
    Object.fromEntries(MODES.map((mode) => [mode, run(mode, backbone, rows)])),
  ) as Record<Mode, Measured>[]
  console.log(`${backbone}, Compacter, ${rows} rows, ${THREADS} threads, ${rounds} rounds\n`)
  console.log('| source | target | eager, ms a batch | replay | ratio |')
  console.log('|---|---|---|---|---|')
  for (const [i, { source, target }] of SHAPES.entries()) {
    const [eager, replay] = MODES.map((mode) => median(all.flatMap((round) => round[mode].times[i]!)))
    console.log(
      `| ${source} | ${target} | ${eager!.toFixed(0)} | ${replay!.toFixed(0)} | ${(eager! / replay!).toFixed(2)} × |`,
    )
  }
  for (const mode of MODES) {
    const peak = Math.max(...all.map((round) => round[mode].peak_bytes)) / 2 ** 20
    const firsts = all.map((round) => round[mode].first.toFixed(1)).join(', ')
    console.log(`\n${mode}: peak ${peak.toFixed(0)} MiB; the first batch took ${firsts} s longer than later ones`)
  }
}

function run(mode: Mode, backbone: string, rows: number): Measured {
  const env = { ...process.env, BENCH_MODE: mode, BENCH_BACKBONE: backbone, BENCH_ROWS: String(rows) }
  const output = execFileSync(process.execPath, [...process.execArgv, process.argv[1]!], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(output.trim().split('\n').at(-1)!)
}

async function measure(mode: Mode, backbone: string, rows: number): Promise<Measured> {
  await startDevice({ engine: 'tensorflow', threads: THREADS })
  const decoder = await decoderOf(mode, backbone)
  const { vocabulary } = backbonePreset(backbone)!.config
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 2 + ((i * 7919) % (vocabulary - 2)))
  const times: number[][] = []
  for (const { source, target } of SHAPES) {
    const batch = wholeBatch({ source: ids(rows * source), target: ids(rows * target) }, rows)
    const own: number[] = []
    for (let repetition = 0; repetition <= REPETITIONS; repetition++) {
      const started = performance.now()
      await decoder.generate(batch, target)
      own.push(performance.now() - started)
    }
    times.push(own)
  }
  const [cold, ...warm] = times[0]!
  return {
    times: times.map((own) => own.slice(1)),
    first: (cold! - median(warm)) / 1000,
    peak_bytes: process.resourceUsage().maxRSS * 1024,
  }
}

async function decoderOf(mode: Mode, backbone: string): Promise<Decoder> {
  const { config } = backbonePreset(backbone)!
  const method = methodOptions.parse({ kind: 'compacter', n: 4, rank: 1, reduction_factor: 32 })
  const read = randomWeights(config, SEED)
  if (mode === 'eager') {
    const model = loadModel(config, method, read, SEED)
    return eagerDecoder(model, tf.tensor1d(startVector(model, read, SEED)))
  }
  const blueprint = blueprintOf(config, method)
  const replay = await startReplay(blueprint, read, { seed: SEED, threads: THREADS })
  const vector = startVector(blueprint, read, SEED)
  const zeros = new Float32Array(vector.length)
  await replay.write({ vector, first: zeros, second: zeros })
  return {
    padId: config.padId,
    generate: (sources, maxLength) => replay.generate(sources, maxLength),
    dispose: () => replay.free(),
  }
}
