import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../../src/backbone/files/tokenizer.js'
import { openBackbone } from '../../../src/backbone/files/weights.js'
import { presetNames } from '../../../src/base/presets.js'
import { packageRoot } from '../../../src/base/root.js'
import { type Layout, named } from '../../../src/engine/model/layout.js'
import { disposeModel, loadModel, startVector } from '../../../src/engine/model/model.js'
import { lossAndGradient, trainingStep } from '../../../src/engine/model/step.js'
import { learningRate } from '../../../src/engine/optimizer/learning_rate.js'
import { disposeState, type OptimizerState } from '../../../src/engine/optimizer/optimizer.js'
import { loadExperiment } from '../../../src/experiment/load/load.js'
import { readSplit } from '../../../src/task/rows/source.js'
import { inMemory, padBatch } from '../../../src/task/tokens/batches.js'
import { textReader } from '../../../src/task/tokens/tokenise.js'
import { dropoutAt, noDropout } from '../../../src/tensor/dropout.js'
import { engines, useEngine } from '../../support/engines.js'

const STEPS = 30
const ROWS = 8
const goal = 2 / 3

/** What a preset needs on a backbone of four layers and in forty steps, not in thousands. */
const settings: Record<string, string[]> = {
  adapterdrop: [
    'method.placement.encoder_layers=2-',
    'method.placement.decoder_layers=2-',
    'training.learning_rate=3e-3',
  ],
  bitfit: ['training.learning_rate=3e-3'],
  ia3: ['training.learning_rate=1e-2'],
  vera: ['training.learning_rate=3e-2'],
  adapter: ['training.learning_rate=3e-3'],
  'parallel-adapter': ['training.learning_rate=3e-3'],
  'pfeiffer-adapter': ['training.learning_rate=3e-3'],
}

beforeAll(() => useEngine(engines[0]!))

/** Eight rows of the quickstart's task, and a model of its backbone. */
async function prepared(sets: string[]) {
  const experiment = loadExperiment('quickstart', sets)
  const files = openBackbone(`${packageRoot}/configs/backbones/t5-nano`)
  const tokenizer = await loadTokenizer(files.tokenizerFile)
  const examples = (await readSplit(experiment.task, 'train')).filter((_, row) => row % 500 === 0)
  const tokens = await textReader(tokenizer, { source: 32, target: 8 }).read(examples.slice(0, ROWS))
  const batch = padBatch(inMemory(tokens), [...tokens.source.keys()], files.config.padId)
  const model = loadModel(files.config, experiment.method, files.read, 42)
  const start = startVector(model, files.read, 42)
  files.close()
  return { experiment, batch, model, start }
}

/** Losses of up to so many steps on one batch, until `done`, and the trained vector after them. */
async function trained(
  { experiment, batch, model, start }: Awaited<ReturnType<typeof prepared>>,
  { steps, done = () => false }: { steps: number; done?: (losses: number[]) => boolean },
) {
  const zeros = () => tf.zeros([model.layout.size]) as tf.Tensor1D
  let state: OptimizerState = { vector: tf.tensor1d(start), first: zeros(), second: zeros(), step: 0 }
  const losses: number[] = []
  const { learning_rate: peak } = experiment.training
  for (let step = 0; step < steps && !done(losses); step++) {
    const dropout = dropoutAt(0.1, 42, step)
    const rate = learningRate(step, { peak, warmup: 5, steps: 2 * steps })
    const taken = await trainingStep(model, state, batch, { learningRate: rate, gradientClipNorm: 1, dropout })
    state = taken.state
    losses.push(taken.result.loss)
  }
  const end = (await state.vector.data()) as Float32Array
  disposeState(state)
  disposeModel(model)
  return { losses, end }
}

test.each(presetNames('methods'))(`%s: the loss falls by more than a third in ${STEPS} steps`, async (name) => {
  const model = await prepared([`method=${name}`, ...(settings[name] ?? [])])
  const fallen = (losses: number[]) => losses.length > 3 && losses.slice(-3).every((loss) => loss < goal * losses[0]!)
  const { losses } = await trained(model, { steps: STEPS, done: fallen })
  expect(losses.at(-1)!, losses.join(', ')).toBeLessThan(goal * losses[0]!)
})

test('prefixes without a network learn too, at a higher rate', async () => {
  const sets = ['method=prefix-tuning', 'method.bottleneck=none', 'training.learning_rate=3e-2']
  const { losses } = await trained(await prepared(sets), { steps: STEPS })
  expect(losses.at(-1)!, losses.join(', ')).toBeLessThan(goal * losses[0]!)
})

describe('a rule that is not learnt', () => {
  const fixed = ['method=compacter', 'method.learn_rule=false']
  const factorsOf = (layout: Layout, values: Float32Array) =>
    named(layout, values)
      .filter(([name]) => /\.[st]$/.test(name))
      .map(([name, { data }]) => [name, data as Float32Array] as const)

  test.each([
    ['shared', []],
    ['shared, of low-rank factors', ['method.rule_factors=low_rank']],
    ['own', ['method.rule=own']],
  ])('%s, starts so large that the gradients of s and t are far above the ε of Adam', async (_, sets) => {
    const { model, batch, start } = await prepared([...fixed, ...sets])
    const vector = tf.tensor1d(start)
    const { loss, gradient } = tf.tidy(() => lossAndGradient(model, vector, batch, noDropout))
    for (const [name, data] of factorsOf(model.layout, (await gradient.data()) as Float32Array)) {
      const size = Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length)
      expect(size, name).toBeGreaterThan(1e-6)
    }
    disposeModel(model)
    tf.dispose([vector, loss, gradient])
  })

  test('lets s and t learn behind it: the loss is far below that of the biases alone', {
    timeout: 300_000,
  }, async () => {
    const sets = [...fixed, 'method.train_layer_norms=false', 'training.learning_rate=1e-2']
    const model = await prepared(sets)
    const { losses, end } = await trained(model, { steps: 60 })
    const before = new Map(factorsOf(model.model.layout, model.start))
    for (const [name, data] of factorsOf(model.model.layout, end)) {
      const moved = data.reduce((sum, value, i) => sum + (value - before.get(name)![i]!) ** 2, 0)
      expect(Math.sqrt(moved / data.length), name).toBeGreaterThan(0.01)
    }
    const biases = await trained(await prepared([...sets, 'method.rule_std=1e-12']), { steps: 60 })
    const last = (losses: number[]) => losses.slice(-5).reduce((sum, loss) => sum + loss / 5, 0)
    expect(last(losses)).toBeLessThan(0.5 * last(biases.losses))
  })
})
