// expected: test/oracle/padding.py, PyTorch and transformers: the loss of four rows of 5, 3, 2 and 4 target tokens
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { alone, type Ranks } from '../../../src/engine/cluster/ranks.js'
import type { LossDecoder } from '../../../src/engine/model/decoder.js'
import { disposeModel } from '../../../src/engine/model/model.js'
import { eagerStepper, replayStepper } from '../../../src/engine/model/stepper.js'
import { startState } from '../../../src/engine/optimizer/optimizer.js'
import { train } from '../../../src/engine/train/train.js'
import { lossBatches, splitLoss } from '../../../src/engine/train/validation_loss.js'
import { loadExperiment } from '../../../src/experiment/load/load.js'
import { trainingOptions } from '../../../src/experiment/schema.js'
import { inMemory } from '../../../src/task/tokens/batches.js'
import tf from '../../../src/tensor/tf.cjs'
import { smallExperiment } from '../../support/cli.js'
import { expectClose } from '../../support/close.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'
import { readMetricsLines } from '../../support/metrics_lines.js'
import { loadCase, openCase, openFixture } from '../../support/oracle_case.js'

const BACKBONE = 't5-tiny-padded'

const ways = [
  ...(hasEngine('tensorflow') ? ([['tensorflow', 'replay']] as const) : []),
  ...engines.map((engine) => [engine, 'eager'] as const),
]

/** The rows of a fixture as a split. */
function splitOf({ batch }: ReturnType<typeof openCase>) {
  const rows = (ids: Int32Array, mask: Int32Array) =>
    Array.from({ length: batch.size }, (_, row) => {
      const [from, to] = [row, row + 1].map((row) => (row * ids.length) / batch.size)
      return ids.subarray(from, to).filter((_, i) => mask[from! + i] === 1)
    })
  const [source, target] = [
    rows(batch.inputs.source, batch.inputs.source_mask),
    rows(batch.inputs.target as Int32Array, batch.inputs.target_mask),
  ]
  const lengths = (rows: Int32Array[]) => Int32Array.from(rows, ({ length }) => length)
  return { tokens: inMemory({ source, target } as never), lengths: lengths(source), targetLengths: lengths(target) }
}

const training = (options: Record<string, unknown>) =>
  trainingOptions.parse({ steps: 1, learning_rate: 1e-3, dropout: 0.5, ...options })

describe.each(ways)('validation loss on %s, %s', (engine, mode) => {
  beforeAll(() => useEngine(engine))

  test.each(['full', 'compacter', 'prompt-tuning', 'prefix-tuning'])(
    'with %s is the mean over all target tokens that PyTorch gives, however many rows at once, without dropout',
    async (name) => {
      const expected = openCase(BACKBONE, name)
      const { model, start } = loadCase(BACKBONE, expected)
      const experiment = { training: training({}) }
      const state = startState(start)
      const { read } = openFixture(BACKBONE)
      const stepper =
        mode === 'eager'
          ? eagerStepper(model, experiment, state)
          : await replayStepper(model, experiment, state, { read, threads: 2 })
      const split = splitOf(expected)
      for (const [batch_size, vector] of [
        [3, undefined],
        [4, start],
      ] as const) {
        const decoder = await stepper.decoder(vector)
        const batches = lossBatches(split, training({ batch_size }), { mode, steps: 2 })
        expectClose([await splitLoss(decoder, split, batches, {})], expected.read('loss'), {
          relative: 1e-4,
          name: `${batch_size} rows at once`,
        })
        decoder.dispose()
      }
      stepper.free()
      disposeModel(model)
      expect(tf.memory().numTensors).toBe(0)
    },
  )
})

test('validation loss has as many rows at once as a step computes, and as an evaluation decodes', () => {
  const split = { lengths: new Int32Array(50).fill(3), targetLengths: new Int32Array(50).fill(2) }
  const rows = (options: Record<string, unknown>) =>
    lossBatches(split, training(options), { mode: 'eager', steps: 1 }).batches.map(({ rows }) => rows.length)
  expect(rows({ batch_size: 20 })).toEqual([20, 20, 20])
  expect(rows({ batch_size: 40, micro_batch_size: 25 })).toEqual([25, 25])
  expect(rows({ batch_size: 40, evaluation_batch_size: 30 })).toEqual([30, 30])
  expect(rows({})).toEqual([50])
})

test('ranks share the batches of a validation loss and agree on it, to the bit', async () => {
  const split = splitOf(openCase(BACKBONE, 'full'))
  const batches = lossBatches(split, training({ batch_size: 1 }), { mode: 'eager', steps: 1 })
  const decoder = { padId: 7, loss: async ({ rows }) => Math.fround(0.1 * (rows[0]! + 1)) } as LossDecoder
  const whole = await splitLoss(decoder, split, batches, { ranks: alone })
  const met: Uint8Array[][] = []
  const waiting: (() => void)[] = []
  const rankOf = (rank: number, turn = { count: 0 }) =>
    ({
      ...{ rank, size: 3, host: 'here' },
      async gather(bytes: Uint8Array) {
        met[turn.count] ??= []
        const all = met[turn.count++]!
        all[rank] = bytes
        if (all.filter(Boolean).length === 3) for (const go of waiting.splice(0)) go()
        else await new Promise<void>((go) => waiting.push(go))
        return all
      },
    }) as unknown as Ranks
  const shared = await Promise.all([0, 1, 2].map((rank) => splitLoss(decoder, split, batches, { ranks: rankOf(rank) })))
  expect(shared).toEqual([whole, whole, whole])
  expect(whole).toBeCloseTo((0.1 * 5 + 0.2 * 3 + 0.3 * 2 + 0.4 * 4) / 14, 6)
})

test('a training logs it, and chooses the least of it with best_metric: loss', async () => {
  const { folder, file } = smallExperiment({
    ...{ steps: 8, evaluate_every: 2, batch_size: 16, source_length: 32, warmup_steps: 0, engine_mode: 'eager' },
    ...{ best_metric: 'loss', patience: 2 }, // which ends a training whose loss goes down, were more taken for better
  })
  const notes: string[] = []
  const result = await train(loadExperiment(file), {
    ...{ engine: engines[0]!, threads: 1, folder: join(folder, 'run'), resume: false, interrupted: () => false },
    progress: { ...silent, note: (text) => void notes.push(text) },
  })
  const evaluations = readMetricsLines(join(folder, 'run')).filter(({ split }) => split === 'validation')
  const losses = evaluations.map(({ loss }) => Number(loss))
  expect(losses.every((loss) => loss > 0)).toBe(true)
  const best = losses.indexOf(Math.min(...losses))
  expect(result.validation_loss).toBe(losses[best])
  expect(result.best_step).toBe(evaluations[best]!.step)
  expect(notes).toContainEqual(expect.stringContaining(`validation accuracy 0.00, loss ${losses[0]!.toFixed(3)}`))
  expect([losses.length, best, result.planned_steps]).toEqual([4, 3, undefined])
  rmSync(folder, { recursive: true })
})
