// expected: the eager engine, whose logits and gradients test/backbone/encoders.test.ts holds to PyTorch
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Head } from '../../../src/backbone/family.js'
import { parseConfig, readsSegments, withHead } from '../../../src/backbone/registry.js'
import { hashSeed } from '../../../src/base/numbers/random.js'
import { presetNames } from '../../../src/base/presets.js'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { named } from '../../../src/engine/model/layout.js'
import { blueprintOf, disposeModel, loadModel, type Model, startVector } from '../../../src/engine/model/model.js'
import { lossAndGradient } from '../../../src/engine/model/step.js'
import { decoderOf, replayStepper } from '../../../src/engine/model/stepper.js'
import { startState } from '../../../src/engine/optimizer/optimizer.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import { meanLoss } from '../../../src/engine/train/validation_loss.js'
import { trainingOptions } from '../../../src/experiment/schema.js'
import { regeneratedNormals } from '../../../src/method/intrinsic/regenerated.js'
import { methodProblems } from '../../../src/method/options.js'
import { objectiveOf } from '../../../src/objective/of_head.js'
import { type Batch, inMemory, padBatch } from '../../../src/task/tokens/batches.js'
import { dropoutAt } from '../../../src/tensor/dropout.js'
import tf from '../../../src/tensor/tf.cjs'
import { expectClose } from '../../support/close.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { preset } from '../../support/tiny_presets.js'

const SEED = 11
const STEP = 5
const HEADS: Record<string, Head> = {
  labels: { kind: 'sequence', labels: 3 },
  number: { kind: 'sequence', labels: 1 },
  choices: { kind: 'choice', labels: 1 },
  tags: { kind: 'tokens', labels: 5 },
}

function opened(type: string) {
  const folder = join(packageRoot, 'test/fixtures', `${type}-tiny`)
  const file = join(folder, 'config.json')
  const { read, close } = openSafetensors(join(folder, 'model.safetensors'))
  return { config: parseConfig(JSON.parse(readFileSync(file, 'utf8')), file, folder), read, close }
}

/** Rows of 9, 8, … random ids for a head, and their targets. */
function batchOf({ config }: Pick<Model, 'config'>, head: Head): { batch: Batch; targets: Int32Array[] } {
  const { objective, row } = objectiveOf(head, readsSegments(config))
  const rows = Array.from({ length: 4 }, (_, i) =>
    row(
      Int32Array.from({ length: 9 - i }, (_, k) => hashSeed(SEED, i, k) % config.vocabulary),
      i,
    ),
  )
  const tokens = { source: rows.map(({ source }) => source), target: rows.map(({ target }) => target) }
  return { batch: padBatch(inMemory(tokens, objective), [...rows.keys()], config.padId), targets: tokens.target }
}

/** Compares a step's gradient and the answers after a move, as captured and op by op. */
async function compare(type: string, name: string, head: Head, checkpointActivations = false) {
  const { config, read } = opened(type)
  const model = loadModel(withHead(config, head), preset(name).options, read, 0)
  const normals = regeneratedNormals(model.layout.size, [1, 2])
  const vector = startVector(model, read, SEED).map((value, i) => value + 0.02 * normals[i]!)
  const { batch, targets } = batchOf(model, head)
  const eager = tf.tidy(() => lossAndGradient(model, tf.tensor1d(vector), batch, dropoutAt(0.1, SEED, STEP)))
  const [loss, gradient] = [(await eager.loss.data())[0]!, (await eager.gradient.data()) as Float32Array]
  const replay = await startReplay(model, read, { dropout: 0.1, seed: SEED, checkpointActivations, threads: 2 })
  try {
    const zeros = new Float32Array(vector.length)
    await replay.write({ vector, first: zeros, second: zeros })
    const replayed = await replay.gradient({ batch }, STEP)
    expectClose([replayed.loss], [loss], { relative: 1e-5, name: 'loss' })
    const expected = new Map(named(model.layout, gradient))
    for (const [tensor, { data }] of named(model.layout, replayed.values)) {
      // a bias of all keys moves all scores of a query alike: its true gradient is 0
      if (/key\.bias|k_lin\.bias/.test(tensor)) continue
      // the bias of a head for choices moves all of them alike
      if (head.kind === 'choice' && tensor.endsWith('classifier.bias')) continue
      expectClose(data as Float32Array, expected.get(tensor)!.data as Float32Array, {
        relative: 1e-4,
        name: `gradient of ${tensor}`,
      })
    }
    const decoder = decoderOf(model, vector)
    const answers = await decoder.answers!(batch)
    expect(answers).toHaveLength(4)
    const losses = answers.map((answer, row) => batch.objective.lossOf!(answer, targets[row]!))
    expectClose([meanLoss(losses.map((loss) => ({ text: '', loss })))!], [await decoder.loss(batch)], {
      relative: 1e-6,
      name: 'loss of the answers',
    })
    const inSession = await replay.decoder(vector)
    expectClose((await inSession.answers!(batch)).flat(), answers.flat(), { relative: 1e-5, name: 'answers' })
    await inSession.dispose()
    decoder.dispose()
  } finally {
    replay.free()
    disposeModel(model)
  }
}

describe.runIf(hasEngine('tensorflow'))('a replayed encoder', () => {
  beforeAll(() => useEngine('tensorflow'))
  const { config, close } = opened('bert')
  close()
  const fitting = presetNames('methods').filter((name) => methodProblems(preset(name).options, config).length === 0)

  test('most presets fit an encoder', () => {
    expect(fitting.length).toBeGreaterThan(18)
  })

  test.each(fitting)('with %s has the eager gradients and answers', (name) => compare('bert', name, HEADS.labels!))

  test.each(Object.keys(HEADS))('with a head for %s has the eager gradients and answers', (head) =>
    compare('bert', 'compacter', HEADS[head]!, true),
  )

  test.each(['roberta', 'xlm-roberta', 'electra', 'distilbert', 'deberta-v2', 'modernbert'])(
    'of the type %s has the eager gradients',
    (type) => compare(type, 'full', HEADS.labels!),
  )

  test.each([
    ['bert', 'compacter', 'labels'],
    ['roberta', 'lora', 'number'],
    ['distilbert', 'bitfit', 'choices'],
    ['deberta-v2', 'full', 'labels'],
    ['modernbert', 'compacter', 'tags'],
  ])('%s, %s with a head for %s in bfloat16 stays near the one in float32, and learns', async (type, name, kind) => {
    const { config, read } = opened(type)
    const head = HEADS[kind]!
    const { options } = preset(name)
    const blueprint = blueprintOf(withHead(config, head), options)
    const { batch } = batchOf(blueprint, head)
    const start = startState(startVector(blueprint, read, SEED))
    const stepperIn = (precision: 'float32' | 'bfloat16') => {
      const training = trainingOptions.parse({ steps: 1, learning_rate: 1e-3, seed: 0, dropout: 0, precision })
      return replayStepper(blueprint, { training }, start, { read, threads: 2 })
    }
    const [wide, narrow] = [await stepperIn('float32'), await stepperIn('bfloat16')]
    const losses: number[] = []
    for (let step = 0; step < 12; step++) {
      const [{ result: expected }, { result }] = [await wide.step(batch, 3e-3), await narrow.step(batch, 3e-3)]
      expectClose([result.loss], [expected.loss], { relative: 2 ** -5, name: `loss of step ${step}` })
      expect(result.loss).not.toBe(expected.loss) // operands are rounded to 8 bits
      losses.push(result.loss)
    }
    expect(losses.at(-1)).toBeLessThan(0.95 * losses[0]!)
    const vector = Float32Array.from(await (await narrow.state()).vector.data())
    const model = loadModel(withHead(config, head), options, read, 0)
    const [decoder, eager] = [await narrow.decoder(), decoderOf(model, vector)]
    expectClose((await decoder.answers!(batch)).flat(), (await eager.answers!(batch)).flat(), {
      relative: 1e-5,
      name: 'answers, which are computed with the unrounded weights',
    })
    for (const each of [decoder, eager]) await each.dispose()
    for (const each of [wide, narrow]) each.free()
    disposeModel(model)
  })
})
