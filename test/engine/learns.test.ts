import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { loadTokenizer } from '../../src/backbone/tokenizer.js'
import { openBackbone } from '../../src/backbone/weights.js'
import { dropoutAt } from '../../src/engine/dropout.js'
import { learningRate } from '../../src/engine/learning_rate.js'
import { disposeModel, loadModel, startVector } from '../../src/engine/model.js'
import type { OptimizerState } from '../../src/engine/optimizer.js'
import { disposeState, trainingStep } from '../../src/engine/step.js'
import { loadExperiment } from '../../src/experiment/load.js'
import { presetNames } from '../../src/presets.js'
import { packageRoot } from '../../src/root.js'
import { inMemory, padBatch } from '../../src/task/batches.js'
import { readSplit } from '../../src/task/source.js'
import { tokenise } from '../../src/task/tokenise.js'
import { engines, useEngine } from '../engines.js'

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
  adapter: ['training.learning_rate=3e-3'],
  'pfeiffer-adapter': ['training.learning_rate=3e-3'],
}

beforeAll(() => useEngine(engines[0]!))

test.each(presetNames('methods'))(`%s: the loss falls by more than a third in ${STEPS} steps`, async (name) => {
  const experiment = loadExperiment('quickstart', [`method=${name}`, ...(settings[name] ?? [])])
  const files = openBackbone(`${packageRoot}/configs/backbones/t5-nano`)
  const tokenizer = await loadTokenizer(files.tokenizerFile)
  const examples = (await readSplit(experiment.task, 'train')).filter((_, row) => row % 500 === 0)
  const tokens = await tokenise(examples.slice(0, ROWS), tokenizer, { source: 32, target: 8 })
  const batch = padBatch(inMemory(tokens), [...tokens.source.keys()], files.config.padId)
  const model = loadModel(files.config, experiment.method, files.read, 42)
  const zeros = () => tf.zeros([model.layout.size]) as tf.Tensor1D
  const vector = tf.tensor1d(startVector(model, files.read, 42))
  let state: OptimizerState = { vector, first: zeros(), second: zeros(), step: 0 }
  const losses: number[] = []
  const { learning_rate: peak } = experiment.training
  for (let step = 0; step < STEPS; step++) {
    const dropout = dropoutAt(0.1, 42, step)
    const rate = learningRate(step, { peak, warmup: 5, steps: 2 * STEPS })
    const taken = await trainingStep(model, state, batch, { learningRate: rate, gradientClipNorm: 1, dropout })
    state = taken.state
    losses.push(taken.result.loss)
    if (losses.slice(-3).every((loss) => loss < goal * losses[0]!)) break
  }
  disposeState(state)
  disposeModel(model)
  files.close()
  expect(losses.at(-1)!, losses.join(', ')).toBeLessThan(goal * losses[0]!)
})
