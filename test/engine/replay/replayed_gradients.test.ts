// Adam divides a gradient by its own size, so trained values alone would not show a constant factor: gradients
// themselves are compared.
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { presetNames } from '../../../src/base/presets.js'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { atOnce } from '../../../src/engine/model/checkpoint_activations.js'
import { named } from '../../../src/engine/model/layout.js'
import { disposeModel, type Model, startVector } from '../../../src/engine/model/model.js'
import { lossAndGradient } from '../../../src/engine/model/step.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import { regeneratedNormals } from '../../../src/method/intrinsic/regenerated.js'
import { nonlinearity } from '../../../src/method/options/shared.js'
import { type MethodOptions, methodOptions } from '../../../src/method/options.js'
import { dropoutAt } from '../../../src/tensor/dropout.js'
import tf from '../../../src/tensor/tf.cjs'
import { expectClose } from '../../support/close.js'
import { engines, useEngine } from '../../support/engines.js'
import { loadModelOf, openCase } from '../../support/oracle_case.js'
import { preset } from '../../support/tiny_presets.js'

const SEED = 11
const STEP = 5
const SETTINGS = { dropout: 0.1, labelSmoothing: 0.1 }

/** The keys' bias moves all scores of a query alike, which softmax undoes: its true gradient is 0. */
const isRounding = (name: string) => /Attention\.k\.bias$/.test(name)

const { read } = openSafetensors(join(packageRoot, 'test/fixtures/t5-tiny/model.safetensors'))
const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')

/** A preset's, or those of an adapter with a nonlinearity of that name. */
const optionsOf = (name: string): MethodOptions =>
  presetNames('methods').includes(name)
    ? preset(name).options
    : methodOptions.parse({ kind: 'adapter', reduction_factor: 6, nonlinearity: name })

/** The start, moved: at the start itself many gradients are 0, behind a factor that is. */
function movedStart(model: Model): Float32Array {
  const normals = regeneratedNormals(model.layout.size, [1, 2])
  return startVector(model, read, SEED).map((value, i) => value + 0.02 * normals[i]!)
}

async function eagerGradient(model: Model, vector: Float32Array, checkpointActivations: boolean) {
  const dropout = dropoutAt(SETTINGS.dropout, SEED, STEP)
  const after = checkpointActivations ? atOnce : undefined
  const { labelSmoothing } = SETTINGS
  const { loss, gradient } = tf.tidy(() =>
    lossAndGradient(model, tf.tensor1d(vector), batch, dropout, { labelSmoothing, after }),
  )
  const values = { loss: (await loss.data())[0]!, gradient: (await gradient.data()) as Float32Array }
  tf.dispose([loss, gradient])
  return values
}

describe.runIf(engines.includes('tensorflow'))('a replayed gradient', () => {
  beforeAll(() => useEngine('tensorflow'))

  const recomputed = [
    'compacter',
    'parallel-adapter',
    'full',
    'bitfit',
    'prompt-tuning-r',
    'prefix-tuning',
    'intrinsic',
    'dora',
  ]
  test.each([
    ...presetNames('methods').map((name) => [name, 'kept', false] as const),
    ...recomputed.map((name) => [name, 'recomputed', true] as const),
    ...nonlinearity.unwrap().options.map((name) => [name, 'kept', false] as const),
  ])('of %s, layers %s, is the eager one in every tensor', async (name, _, checkpointActivations) => {
    const model = loadModelOf('t5-tiny', optionsOf(name))
    const vector = movedStart(model)
    const eager = await eagerGradient(model, vector, checkpointActivations)
    const zeros = new Float32Array(vector.length)
    const replay = await startReplay(model, read, { ...SETTINGS, seed: SEED, checkpointActivations, threads: 2 })
    try {
      await replay.write({ vector, first: zeros, second: zeros })
      const replayed = await replay.gradient({ batch }, STEP)
      expectClose([replayed.loss], [eager.loss], { relative: 1e-6, name: 'loss' })
      const expected = new Map(named(model.layout, eager.gradient))
      for (const [tensor, { data }] of named(model.layout, replayed.values)) {
        const gradient = expected.get(tensor)!.data as Float32Array
        if (isRounding(tensor)) continue
        expect(
          gradient.some((value) => value !== 0),
          `${tensor} has an eager gradient`,
        ).toBe(true)
        expectClose(data as Float32Array, gradient, { relative: 1e-5, name: `gradient of ${tensor}` })
      }
    } finally {
      replay.free()
      disposeModel(model)
    }
  })
})
