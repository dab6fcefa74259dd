// A training step of Compacter on random weights of a backbone's dimensions: eager, replay and PyTorch take turns, each
// in a process of its own.   npx tsx bench/replay.bench.ts [rounds, default 2] [backbone, default t5-small] [source
// length …, default 64 128] PYTHON names a Python with torch and transformers; without it PyTorch is left out.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { backbonePreset } from '../src/backbone/files/preset.js'
import { backboneShapes } from '../src/backbone/registry.js'
import type { Precision } from '../src/base/choices.js'
import { median } from '../src/base/numbers/quantile.js'
import { presetFile } from '../src/base/presets.js'
import { packageRoot } from '../src/base/root.js'
import { elements } from '../src/base/safetensors/safetensors.js'
import { startDevice } from '../src/engine/device/device.js'
import { blueprintOf, loadModel, startVector } from '../src/engine/model/model.js'
import { trainingStep } from '../src/engine/model/step.js'
import { startState } from '../src/engine/optimizer/optimizer.js'
import { startReplay } from '../src/engine/replay/replay.js'
import { regeneratedNormals } from '../src/method/intrinsic/regenerated.js'
import { type MethodOptions, methodOptions } from '../src/method/options.js'
import { type Batch, wholeBatch } from '../src/task/tokens/batches.js'
import { dropoutAt } from '../src/tensor/dropout.js'

const [BATCH, TARGET, STEPS, THREADS, DROPOUT] = [32, 4, 8, 2, 0.1]
const VARIANTS = [
  'eager float32',
  'replay float32',
  'replay float32 checkpoint_activations',
  'replay bfloat16',
  'torch float32',
  'torch bfloat16',
]
const { learning_rate, ...options } = parse(readFileSync(presetFile('methods', 'compacter')!, 'utf8'))
const method = methodOptions.parse(options)

interface Measured {
  times: number[]
  peak_bytes: number
  /** Seconds from the start of the process to the end of its first step. */
  first?: number
}

const one = process.env.BENCH_VARIANT
if (one) console.log(JSON.stringify(await measure(one, process.env.BENCH_BACKBONE!, Number(process.env.BENCH_LENGTH))))
else compare(Number(process.argv[2] ?? 2), process.argv[3] ?? 't5-small', process.argv.slice(4).map(Number))

function compare(rounds: number, backbone: string, lengths: number[]): void {
  const variants = VARIANTS.filter((variant) => process.env.PYTHON || !variant.startsWith('torch'))
  for (const length of lengths.length > 0 ? lengths : [64, 128]) {
    const all = new Map<string, Measured[]>(variants.map((variant) => [variant, []]))
    for (let round = 0; round < rounds; round++)
      for (const variant of variants) all.get(variant)!.push(run(variant, backbone, length))
    console.log(
      `\n${backbone}, batch ${BATCH} × ${length}, targets of ${TARGET}, ${THREADS} threads, ${rounds} rounds\n`,
    )
    console.log(
      '| variant | ms a step, median | fastest – slowest | against torch float32 | peak MB | first step after |',
    )
    console.log('|---|---|---|---|---|---|')
    const medians = new Map([...all].map(([variant, runs]) => [variant, median(steady(runs))]))
    for (const [variant, runs] of all) {
      const times = steady(runs)
      const ratio = medians.get(variant)! / (medians.get('torch float32') ?? Number.NaN)
      const peak = Math.max(...runs.map(({ peak_bytes }) => peak_bytes)) / 1e6
      const first = runs[0]!.first
      console.log(
        `| ${variant} | ${median(times).toFixed(0)} | ${Math.min(...times).toFixed(0)} – ` +
          `${Math.max(...times).toFixed(0)} | ${ratio.toFixed(2)} | ${peak.toFixed(0)} | ` +
          `${first ? `${first.toFixed(1)} s` : ''} |`,
      )
    }
  }
}

/** Without the first two steps of every process. */
function steady(runs: Measured[]): number[] {
  return runs.flatMap(({ times }) => times.slice(2))
}

function run(variant: string, backbone: string, length: number): Measured {
  const env = { ...process.env, BENCH_VARIANT: variant, BENCH_BACKBONE: backbone, BENCH_LENGTH: String(length) }
  const output = variant.startsWith('torch')
    ? torch(variant.split(' ')[1]!, backbone, length)
    : execFileSync(process.execPath, [...process.execArgv, process.argv[1]!], {
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
  return JSON.parse(output.trim().split('\n').at(-1)!)
}

function torch(precision: string, backbone: string, source: number): string {
  const { config } = backbonePreset(backbone)!
  const spec = {
    backbone: {
      d_model: config.dModel,
      d_ff: config.dFf,
      d_kv: config.dKv,
      num_heads: config.heads,
      num_layers: config.encoderLayers,
      vocab_size: config.vocabulary,
      decoder_start_token_id: 0,
      dropout_rate: DROPOUT,
    },
    own_head: false,
    method,
    builds_weight: false, // the faster way
    ...{ batch_size: BATCH, source_length: source, target_length: TARGET, precision, threads: THREADS },
    ...{ warm_up: 0, steps: STEPS, learning_rate: 1e-3, gradient_clip_norm: 1, seed: 0 },
  }
  const script = join(packageRoot, 'src/measure/torch_step.py')
  return execFileSync(process.env.PYTHON!, [script, JSON.stringify(spec)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

async function measure(variant: string, backbone: string, sourceLength: number): Promise<Measured> {
  const [mode, precision, checkpoint] = variant.split(' ') as ['eager' | 'replay', Precision, string?]
  await startDevice({ engine: 'tensorflow', threads: THREADS })
  const { config } = backbonePreset(backbone)!
  const shapes = backboneShapes(config)
  const read = (name: string) => {
    const std = name.includes('layer_norm') || name.includes('shared') ? 1 : shapes.get(name)!.at(-1)! ** -0.5
    return regeneratedNormals(elements(shapes.get(name)!), [name.length, 7]).map((normal) => std * normal)
  }
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 2 + ((i * 7919) % 32000))
  const batch = wholeBatch({ source: ids(BATCH * sourceLength), target: ids(BATCH * TARGET) }, BATCH)
  const prepare = mode === 'eager' ? eagerSteps : replaySteps
  const step = await prepare(config, method, read, batch, precision, checkpoint !== undefined)
  const times: number[] = []
  let first = 0
  for (let index = 0; index < STEPS; index++) {
    const started = performance.now()
    await step(index)
    times.push(performance.now() - started)
    if (index === 0) first = process.uptime()
  }
  return { times, first, peak_bytes: process.resourceUsage().maxRSS * 1024 }
}

type Read = (name: string) => Float32Array

async function eagerSteps(config: Parameters<typeof loadModel>[0], method: MethodOptions, read: Read, batch: Batch) {
  const model = loadModel(config, method, read, 42)
  let state = startState(startVector(model, read, 42))
  return async (step: number) => {
    const dropout = dropoutAt(DROPOUT, 42, step)
    const options = { learningRate: learning_rate, gradientClipNorm: 1, dropout }
    state = (await trainingStep(model, state, batch, options)).state
  }
}

async function replaySteps(
  config: Parameters<typeof loadModel>[0],
  method: MethodOptions,
  read: Read,
  batch: Batch,
  precision: Precision,
  checkpointActivations: boolean,
) {
  const blueprint = blueprintOf(config, method)
  const options = { seed: 42, dropout: DROPOUT, precision, checkpointActivations, threads: THREADS }
  const replay = await startReplay(blueprint, read, options)
  const vector = startVector(blueprint, read, 42)
  const zeros = new Float32Array(vector.length)
  await replay.write({ vector, first: zeros, second: zeros })
  return (step: number) => replay.step(batch, step, learning_rate)
}
