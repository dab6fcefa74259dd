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
import { disposeModel, loadModel, type Model, startVector } from '../../../src/engine/model/model.js'
import { lossAndGradient } from '../../../src/engine/model/step.js'
import { decoderOf } from '../../../src/engine/model/stepper.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
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

/** Rows of 9, 8, … random ids for a head. */
function batchOf({ config }: Model, head: Head): Batch {
  const { objective, row } = objectiveOf(head, readsSegments(config))
  const rows = Array.from({ length: 4 }, (_, i) =>
    row(
      Int32Array.from({ length: 9 - i }, (_, k) => hashSeed(SEED, i, k) % config.vocabulary),
      i,
    ),
  )
  const tokens = { source: rows.map(({ source }) => source), target: rows.map(({ target }) => target) }
  return padBatch(inMemory(tokens, objective), [...rows.keys()], config.padId)
}

/** Compares a step's gradient and the answers after a move, as captured and op by op. */
async function compare(type: string, name: string, head: Head, checkpointActivations = false) {
  const { config, read } = opened(type)
  const model = loadModel(withHead(config, head), preset(name).options, read, 0)
  const normals = regeneratedNormals(model.layout.size, [1, 2])
  const vector = startVector(model, read, SEED).map((value, i) => value + 0.02 * normals[i]!)
  const batch = batchOf(model, head)
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
})
