// Trains the tests' tiny backbone for long and prints resident memory every 500 steps; fails unless it is flat after
// the first 1,000.   npx tsx bench/soak.bench.ts [replay | eager, default replay] [steps, default 20000 (replay) or
// 5000 (eager)]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseConfig } from '../src/backbone/registry.js'
import { MersenneTwister } from '../src/base/numbers/random.js'
import { packageRoot } from '../src/base/root.js'
import { openSafetensors } from '../src/base/safetensors/safetensors.js'
import { startDevice } from '../src/engine/device/device.js'
import { type Blueprint, blueprintOf, loadModel, startVector } from '../src/engine/model/model.js'
import { trainingStep } from '../src/engine/model/step.js'
import { startState } from '../src/engine/optimizer/optimizer.js'
import { startReplay } from '../src/engine/replay/replay.js'
import { methodOptions } from '../src/method/options.js'
import { type Batch, inMemory, padBatch, trainingPlan } from '../src/task/tokens/batches.js'
import { ladderOf } from '../src/task/tokens/lengths.js'
import { dropoutAt } from '../src/tensor/dropout.js'

const [EVERY, WARM_UP, SEED, DROPOUT, RATE] = [500, 1000, 0, 0.1, 1e-4]
/** MiB that the least-squares line may rise from the first sample that counts to the last. */
const RISE = 8
/** MiB between the lowest sample and the highest. */
const RANGE = 32

const MEBIBYTE = 2 ** 20
const folder = join(packageRoot, 'test/fixtures/t5-tiny')
const config = parseConfig(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')), folder)
const { read } = openSafetensors(join(folder, 'model.safetensors'))
const method = methodOptions.parse({ kind: 'compacter', n: 4, rank: 2, reduction_factor: 6 })

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const mode = process.argv[2] ?? 'replay'
const steps = Number(process.argv[3] ?? (mode === 'replay' ? 20_000 : 5_000))
if (!['replay', 'eager'].includes(mode) || !(steps >= WARM_UP + 2 * EVERY))
  throw new Error(`replay or eager, and at least ${WARM_UP + 2 * EVERY} steps`)
process.exitCode = judged(await soak(mode, steps)) ? 0 : 1

interface Sample {
  step: number
  /** Resident, in MiB. */
  resident: number
}

async function soak(mode: string, steps: number): Promise<Sample[]> {
  await startDevice({ engine: 'tensorflow', threads: 1 })
  const batches = endlessBatches(steps)
  const step = await (mode === 'eager' ? eagerSteps() : replaySteps(blueprintOf(config, method)))
  const samples: Sample[] = []
  const started = performance.now()
  for (let done = 0; done < steps; done++) {
    const loss = await step(batches(done), done)
    if ((done + 1) % EVERY > 0) continue
    collectGarbage()
    samples.push({ step: done + 1, resident: process.memoryUsage().rss / MEBIBYTE })
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    console.log(`step ${done + 1}: ${samples.at(-1)!.resident.toFixed(1)} MiB, loss ${loss.toFixed(4)}, ${seconds} s`)
  }
  return samples
}

/** Whether memory stayed where it was after the warm-up; says so. */
function judged(samples: Sample[]): boolean {
  const counted = samples.filter(({ step }) => step > WARM_UP)
  const residents = counted.map(({ resident }) => resident)
  const range = Math.max(...residents) - Math.min(...residents)
  const rise = slope(counted) * (counted.at(-1)!.step - counted[0]!.step)
  const flat = rise <= RISE && range <= RANGE
  console.log(
    `${mode}, ${steps} steps: from step ${counted[0]!.step} on a rise of ${rise.toFixed(1)} MiB by least squares ` +
      `(at most ${RISE}), a range of ${range.toFixed(1)} MiB (at most ${RANGE}): ${flat ? 'flat' : 'NOT FLAT'}`,
  )
  return flat
}

/** Of the least-squares line, in MiB a step. */
function slope(samples: Sample[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(samples.map(({ step }) => step)), mean(samples.map(({ resident }) => resident))]
  const products = samples.map(({ step, resident }) => (step - x) * (resident - y))
  const squares = samples.map(({ step }) => (step - x) ** 2)
  return mean(products) / mean(squares)
}

/**
 * Batches of 8 rows of 3 to 30 tokens, padded as a replayed training pads them: several shapes take turns. A graph
 * keeps tens of MiB, so that all shapes have to come within the warm-up: an epoch is 20 steps, and all targets are of
 * one length.
 */
function endlessBatches(steps: number): (step: number) => Batch {
  const random = new MersenneTwister(SEED)
  const row = (length: number) => Int32Array.from({ length }, () => 2 + (random.uint32() % 95))
  const tokens = {
    source: Array.from({ length: 160 }, () => row(3 + (random.uint32() % 28))),
    target: Array.from({ length: 160 }, () => row(5)),
  }
  const lengths = { source: tokens.source.map(({ length }) => length), target: tokens.target.map(() => 5) }
  const plan = trainingPlan(lengths.source, 8, SEED, true)
  const ladder = ladderOf(lengths, plan, 8, steps)
  console.log(`sources padded to ${ladder.source}, targets to ${ladder.target}`)
  return (step) => padBatch(inMemory(tokens), plan.batch(step), 0, ladder)
}

type Step = (batch: Batch, step: number) => Promise<number>

async function eagerSteps(): Promise<Step> {
  const model = loadModel(config, method, read, SEED)
  let state = startState(startVector(model, read, SEED))
  return async (batch, step) => {
    const options = { learningRate: RATE, gradientClipNorm: 1, dropout: dropoutAt(DROPOUT, SEED, step) }
    const taken = await trainingStep(model, state, batch, options)
    state = taken.state
    return taken.result.loss
  }
}

/** Reads the state back as often as a training that saves checkpoints does. */
async function replaySteps(blueprint: Blueprint): Promise<Step> {
  const replay = await startReplay(blueprint, read, { seed: SEED, dropout: DROPOUT, threads: 1 })
  const vector = startVector(blueprint, read, SEED)
  const zeros = new Float32Array(vector.length)
  await replay.write({ vector, first: zeros, second: zeros })
  return async (batch, step) => {
    const { loss } = await replay.step(batch, step, RATE)
    if (step % 100 === 99) await replay.read()
    return loss
  }
}
