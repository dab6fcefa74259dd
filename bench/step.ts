// Time of a training step and peak memory of methods, each in a process of its own, on random weights of a backbone's true dimensions.
//   npx tsx bench/step.ts [backbone] [engine] [batch size] [source length] [method …]

import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs-core'
import { parse } from 'yaml'
import { backbonePreset } from '../src/backbone/files/preset.js'
import { backboneShapes } from '../src/backbone/registry.js'
import type { EngineName } from '../src/base/choices.js'
import { presetFile } from '../src/base/presets.js'
import { elements } from '../src/base/safetensors/safetensors.js'
import { startDevice } from '../src/engine/device/device.js'
import { unflatten } from '../src/engine/model/layout.js'
import { loadModel, type Model, passOf, startVector } from '../src/engine/model/model.js'
import { trainingStep } from '../src/engine/model/step.js'
import { regeneratedNormals } from '../src/method/intrinsic/regenerated.js'
import { methodOptions } from '../src/method/options.js'
import { wholeBatch } from '../src/task/tokens/batches.js'
import { dropoutAt } from '../src/tensor/dropout.js'

const STEPS = 4
const TARGET_LENGTH = 4
const only = process.env.BENCH_METHOD
const [backbone = 't5-small', engine = 'tensorflow', size = '16', length = '128', ...methods] = process.argv.slice(2)
if (only) console.log(JSON.stringify(await measure(only)))
else compare(methods.length > 0 ? methods : ['full', 'compacter', 'intrinsic', 'intrinsic-said'])

interface Measured {
  device: string
  trained: number
  projection?: number
  step: number
  peak: number
}

function compare(methods: string[]): void {
  for (const [index, method] of methods.entries()) {
    const options: ExecFileSyncOptionsWithStringEncoding = {
      env: { ...process.env, BENCH_METHOD: method },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }
    const output = execFileSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], options)
    const { device, trained, projection, step, peak }: Measured = JSON.parse(output.trim().split('\n').at(-1)!)
    if (index === 0) {
      console.log(
        `${backbone}, batch ${size} × ${length}, targets of ${TARGET_LENGTH}; ${device}; fastest of ${STEPS} steps, of 3 projections\n`,
      )
      console.log('| method | trained | all projections, forward and backward | step | peak memory |')
      console.log('|---|---|---|---|---|')
    }
    const seconds = (value?: number) => (value === undefined ? '' : `${value.toFixed(2)} s`)
    console.log(
      `| ${[method, trained.toLocaleString('en'), seconds(projection), seconds(step), `${(peak / 2 ** 20).toFixed(2)} GiB`].join(' | ')} |`,
    )
  }
}

async function measure(preset: string): Promise<Measured> {
  const { description } = await startDevice({ engine: engine as EngineName, threads: 2 })
  const { config } = backbonePreset(backbone)!
  const { learning_rate: learningRate, ...options } = parse(readFileSync(presetFile('methods', preset)!, 'utf8'))
  const shapes = backboneShapes(config)
  const read = (name: string) => {
    const std = name.includes('layer_norm') || name.includes('shared') ? 1 : shapes.get(name)!.at(-1)! ** -0.5
    return regeneratedNormals(elements(shapes.get(name)!), [name.length, 7]).map((normal) => std * normal)
  }
  const model = loadModel(config, methodOptions.parse(options), read, 42)
  const zeros = () => tf.zeros([model.layout.size]) as tf.Tensor1D
  let state = { vector: tf.tensor1d(startVector(model, read, 42)), first: zeros(), second: zeros(), step: 0 }
  const [batch, sourceLength] = [Number(size), Number(length)]
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => 2 + ((i * 7919) % 32000))
  const rows = wholeBatch({ source: ids(batch * sourceLength), target: ids(batch * TARGET_LENGTH) }, batch)
  const times: number[] = []
  for (let step = 0; step < STEPS; step++) {
    const started = performance.now()
    const dropout = dropoutAt(config.dropout, 42, step)
    const taken = await trainingStep(model, state, rows, { learningRate, gradientClipNorm: 1, dropout })
    state = taken.state as typeof state
    times.push((performance.now() - started) / 1000)
  }
  const peak = process.resourceUsage().maxRSS
  const projection = model.method.weights === 'made' ? await fastestProjection(model, state.vector) : undefined
  return {
    device: description,
    trained: model.layout.size,
    ...(projection && { projection }),
    step: Math.min(...times),
    peak,
  }
}

async function fastestProjection(model: Model, vector: tf.Tensor1D): Promise<number> {
  const times: number[] = []
  for (let repetition = 0; repetition < 3; repetition++) times.push(await projectionSeconds(model, vector))
  return Math.min(...times)
}

/** Seconds to move every weight, and to bring a gradient as large as the backbone back to v. */
async function projectionSeconds(model: Model, vector: tf.Tensor1D): Promise<number> {
  const started = performance.now()
  const views = unflatten(model.layout, vector)
  for (const [name, frozen] of model.frozen) {
    const moved = (...views: tf.Tensor[]) => passOf(model, views, (x) => x).weight(name)
    const [gradient] = tf.tidy(() => tf.grads(moved)(views, tf.onesLike(frozen)))
    await gradient!.data()
    gradient!.dispose()
  }
  return (performance.now() - started) / 1000
}
