import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { backbonePreset } from '../../../src/backbone/files/preset.js'
import { backboneShapes } from '../../../src/backbone/registry.js'
import { UserError } from '../../../src/base/error.js'
import { presetNames } from '../../../src/base/presets.js'
import { packageRoot } from '../../../src/base/root.js'
import { openSafetensors } from '../../../src/base/safetensors/safetensors.js'
import { gathered, named } from '../../../src/engine/model/layout.js'
import { disposeModel, loadModel, type Model, startVector } from '../../../src/engine/model/model.js'
import { trainingStep } from '../../../src/engine/model/step.js'
import { learningRate } from '../../../src/engine/optimizer/learning_rate.js'
import { disposeState, startState, valuesOf } from '../../../src/engine/optimizer/optimizer.js'
import { type Replay, type ReplayOptions, startReplay } from '../../../src/engine/replay/replay.js'
import type { MethodOptions } from '../../../src/method/options.js'
import type { Batch } from '../../../src/task/tokens/batches.js'
import { dropoutAt } from '../../../src/tensor/dropout.js'
import { expectClose } from '../../support/close.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { generatedTensor, generatedWeights } from '../../support/generated_weights.js'
import { loadModelOf, openCase } from '../../support/oracle_case.js'
import { preset } from '../../support/tiny_presets.js'
import { zeroPadded } from '../../support/zero_padded.js'

const STEPS = 20
const SEED = 11
const DROPOUT = 0.1

/**
 * A bias of keys moves all scores of a query alike, which softmax undoes: its gradient is rounding, and Adam makes
 * steps of it.
 */
const isRounding = (name: string) => /Attention\.k\.bias$/.test(name)

const read = openSafetensors(join(packageRoot, 'test/fixtures/t5-tiny/model.safetensors')).read

/** The upper 16 bits. */
function bfloat16(value: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer)
  bits[0]! &= 0xffff0000
  return new Float32Array(bits.buffer)[0]!
}

/** The first three tokens of every source alone: another shape in the same session. */
function shorter(batch: Batch): Batch {
  const sourceLength = 3
  const heads = (values: Int32Array) =>
    new Int32Array(batch.size * sourceLength).map(
      (_, i) => values[Math.floor(i / sourceLength) * batch.lengths.source + (i % sourceLength)]!,
    )
  const { source, source_mask } = batch.inputs
  return {
    ...batch,
    lengths: { ...batch.lengths, source: sourceLength },
    inputs: { ...batch.inputs, source: heads(source), source_mask: heads(source_mask) },
  }
}

/** The same shape, other tokens: nothing of the batch that a shape was captured with may be in its graph. */
const otherRows = ({ inputs: { source, target }, size }: Batch): Batch =>
  zeroPadded({ source: source.toReversed(), target: (target as Int32Array).map((id) => (id > 1 ? 98 - id : id)) }, size)

const t5Small = openSafetensors(join(packageRoot, 'test/fixtures/t5-small/compacter.safetensors'))

async function compare(
  { model, start, replay }: { model: Model; start: Float32Array; replay: Replay },
  batches: Batch[],
  peak: number,
  seed = SEED,
): Promise<void> {
  const zeros = new Float32Array(start.length)
  await replay.write({ vector: start, first: zeros, second: zeros })
  let state = startState(start)
  for (let step = 0; step < STEPS; step++) {
    const batch = batches[step % batches.length]!
    const rate = learningRate(step, { peak, warmup: 4, steps: STEPS })
    const dropout = dropoutAt(DROPOUT, seed, step)
    const eager = await trainingStep(model, state, batch, { learningRate: rate, gradientClipNorm: 1, dropout })
    const replayed = await replay.step(batch, step, rate)
    state = eager.state
    expectClose([replayed.loss], [eager.result.loss], { relative: 1e-6, name: `loss of step ${step}` })
    const norms = [replayed.gradientNorm, eager.result.gradientNorm] as const
    expectClose([norms[0]], [norms[1]], { relative: 1e-5, name: `gradient norm of step ${step}` })
  }
  const [after, expected] = [await replay.read(), await valuesOf(state)]
  for (const [part, relative] of [
    ['vector', 1e-5],
    ['first', 1e-4],
    ['second', 1e-4],
  ] as const) {
    const eager = new Map(named(model.layout, expected[part]!))
    for (const [name, { data }] of named(model.layout, after[part]!)) {
      if (isRounding(name)) continue
      const values = eager.get(name)!.data as Float32Array
      expectClose(data as Float32Array, values, { relative, name: `${part} of ${name}` })
    }
  }
  disposeState(state)
}

describe.runIf(hasEngine('tensorflow'))('a replayed training', () => {
  beforeAll(() => useEngine('tensorflow'))

  /** The tiny backbone, eager and replayed. */
  async function tiny(options: MethodOptions, settings: Partial<ReplayOptions> = {}) {
    const model = loadModelOf('t5-tiny', options)
    const common = { seed: SEED, dropout: DROPOUT, gradientClipNorm: 1, threads: 2 }
    const replay = await startReplay(model, read, { ...common, ...settings })
    const free = () => {
      replay.free()
      disposeModel(model)
    }
    return { model, start: startVector(model, read, SEED), replay, free }
  }

  const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')

  test.each(presetNames('methods'))(`of %s is where the eager one is after ${STEPS} steps`, async (name) => {
    const { options, peak } = preset(name)
    const { free, ...both } = await tiny(options)
    await compare(both, [batch, shorter(batch), otherRows(batch)], peak)
    free()
  })

  test.each(['compacter', 'parallel-adapter', 'full', 'bitfit', 'prompt-tuning-r', 'prefix-tuning', 'intrinsic'])(
    'of %s that keeps the inputs of layers alone is where the one is that keeps all',
    async (name) => {
      const { options, peak } = preset(name)
      const { free, ...both } = await tiny(options, { checkpointActivations: true })
      await compare(both, [batch, otherRows(batch)], peak)
      free()
    },
  )

  test("of Compacter on t5-small's dimensions is where the eager one is", async () => {
    const { config } = backbonePreset('t5-small')!
    const spreads = JSON.parse(t5Small.metadata.case!).centre_and_scale
    const { weight: read } = generatedWeights(config, spreads)
    const ofBackbone = backboneShapes(config)
    const { options } = preset('compacter', {})
    const seed = 3 // with some, such as 2 and 11, a unit is 0 up to rounding, and has all of its gradient or none
    const model = loadModel(config, options, read, seed)
    const replay = await startReplay(model, read, { seed, dropout: DROPOUT, gradientClipNorm: 1, threads: 2 })
    const [size] = t5Small.entries.get('input_ids')!.shape as [number, number]
    const ids = { source: t5Small.readInts('input_ids'), target: t5Small.readInts('labels') }
    // adapters that already work: at their own start the rule is all but 0, and its first gradients are rounding
    const start = gathered(model.layout, ({ name, shape }) =>
      ofBackbone.has(name) ? read(name) : generatedTensor(1000, shape, spreads['new tensors']),
    )
    await compare({ model, start, replay }, [zeroPadded(ids, size)], 3e-4, seed)
    replay.free()
    disposeModel(model)
  })

  test.each(['compacter', 'parallel-adapter', 'bitfit', 'prefix-tuning', 'full'])(
    'of %s in bfloat16 stays near the one in float32',
    async (name) => {
      const { options, peak } = preset(name)
      const { model, start, free } = await tiny(options)
      const settings = { seed: SEED, dropout: DROPOUT, gradientClipNorm: 1, threads: 2 }
      const [wide, narrow] = [
        await startReplay(model, read, settings),
        await startReplay(model, read, { ...settings, precision: 'bfloat16' }),
      ]
      const zeros = new Float32Array(start.length)
      for (const replay of [wide, narrow]) await replay.write({ vector: start, first: zeros, second: zeros })
      for (let step = 0; step < STEPS; step++) {
        const rate = learningRate(step, { peak, warmup: 4, steps: STEPS })
        const [expected, { loss }] = [await wide.step(batch, step, rate), await narrow.step(batch, step, rate)]
        expectClose([loss], [expected.loss], { relative: 2 ** -6, name: `loss of step ${step}` })
        expect(loss).not.toBe(expected.loss) // operands are rounded to 8 bits
      }
      const { vector } = await narrow.read()
      expect(vector.some((value) => value !== bfloat16(value))).toBe(true) // trained values keep their 24
      for (const replay of [wide, narrow]) replay.free()
      free()
    },
  )

  test('is unchanged at a step whose loss is not a number', async () => {
    const { start, replay, free } = await tiny(preset('compacter').options)
    const first = new Float32Array(start.length).fill(0.25)
    const second = new Float32Array(start.length).fill(0.5)
    start.fill(Number.NaN)
    await replay.write({ vector: start, first, second })
    expect(await replay.step(batch, 0, 1e-3)).toEqual({ loss: Number.NaN, gradientNorm: Number.NaN })
    expect(await replay.read()).toEqual({ vector: start, first, second })
    free()
  })

  test('says which operation of what shape fails', async () => {
    const { start, replay, free } = await tiny(preset('compacter').options)
    await replay.write({ vector: start, first: start, second: start })
    const source = batch.inputs.source.slice()
    source[3] = 97 // the vocabulary's size
    const error = await replay
      .step({ ...batch, inputs: { ...batch.inputs, source } }, 0, 1e-3)
      .catch((error: Error) => error)
    expect(error).toBeInstanceOf(UserError)
    expect((error as Error).message).toBe(
      'TensorFlow failed in a run at step_4x7x5/encoder/GatherV2_0, GatherV2 → [28, 24]: INVALID_ARGUMENT: indices[3] = 97 is not in [0, 97). If the eager engine does it (--set training.engine_mode=eager), please report this.',
    )
    free()
  })
})
