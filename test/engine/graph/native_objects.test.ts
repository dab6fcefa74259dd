import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { UserError } from '../../../src/base/error.js'
import { Graph } from '../../../src/engine/graph/graph.js'
import type { Library } from '../../../src/engine/graph/library.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { TYPES } from '../../../src/engine/graph/tensor.js'
import { blueprintOf, startVector } from '../../../src/engine/model/model.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import { methodOptions } from '../../../src/method/options.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { openCase, openFixture } from '../../support/oracle_case.js'

/** What makes a native object, and what frees it. */
const KINDS: Record<string, { made: string[]; freed: string }> = {
  status: { made: ['NewStatus'], freed: 'DeleteStatus' },
  buffer: { made: ['NewBuffer', 'NewBufferFromString'], freed: 'DeleteBuffer' },
  graph: { made: ['NewGraph'], freed: 'DeleteGraph' },
  importOptions: { made: ['NewImportGraphDefOptions'], freed: 'DeleteImportGraphDefOptions' },
  sessionOptions: { made: ['NewSessionOptions'], freed: 'DeleteSessionOptions' },
  session: { made: ['NewSession'], freed: 'DeleteSession' },
  tensor: { made: ['AllocateTensor', 'fetched'], freed: 'DeleteTensor' },
}

const { config, read } = openFixture('t5-tiny')
const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')
const blueprint = blueprintOf(config, methodOptions.parse({ kind: 'compacter', n: 4, rank: 2, reduction_factor: 6 }))
const graphs = mkdtempSync(join(tmpdir(), 'compacter-native-'))

describe.runIf(hasEngine('tensorflow'))('native objects', () => {
  const calls: Record<string, number> = {}
  let library: Library
  let original: Library

  beforeAll(async () => {
    await useEngine('tensorflow')
    library = runningLibrary()
    original = { ...library }
    count(library, calls)
  })
  beforeEach(() => {
    for (const name of Object.keys(calls)) delete calls[name]
  })
  afterAll(() => void Object.assign(library, original))

  const times = (name: string) => calls[name] ?? 0
  const expectAllFreed = () => {
    for (const [kind, { made, freed }] of Object.entries(KINDS))
      expect({ kind, count: times(freed) }).toEqual({ kind, count: made.reduce((sum, name) => sum + times(name), 0) })
  }

  async function replay(seed: number) {
    const options = { seed, dropout: 0.1, threads: 1, graphs }
    const replay = await startReplay(blueprint, read, options)
    const vector = startVector(blueprint, read, seed)
    const zeros = new Float32Array(vector.length)
    await replay.write({ vector, first: zeros, second: zeros })
    return replay
  }

  test('of a captured training, and of one from the cache, are all freed', async () => {
    for (const seed of [0, 1]) {
      const training = await replay(seed)
      for (let step = 0; step < 3; step++) await training.step(batch, step, 1e-3)
      await training.step(batch, 3, 1e-3, () => {}) // traced
      await training.read()
      expect(times('DeleteSession')).toBe(seed)
      training.free()
    }
    expect(times('NewSession')).toBe(2)
    expect(times('NewGraph')).toBe(3) // two of sessions, one of the capture
    expect(times('fetched')).toBe(2 * (4 * 2 + 3)) // loss and norm of each step; the vector and the moments
    expectAllFreed()
  })

  test('of a run that fails are all freed, and training continues', async () => {
    const training = await replay(0)
    const source = batch.inputs.source.slice()
    source[3] = config.vocabulary
    await expect(training.step({ ...batch, inputs: { ...batch.inputs, source } }, 0, 1e-3)).rejects.toBeInstanceOf(
      UserError,
    )
    expect(Number.isFinite((await training.step(batch, 0, 1e-3)).loss)).toBe(true)
    training.free()
    expectAllFreed()
  })

  test('of a backbone that can not be read are all freed', async () => {
    let tensors = 0
    const broken = (name: string) => {
      if (++tensors > 5) throw new Error(`cannot read ${name}`)
      return read(name)
    }
    await expect(startReplay(blueprint, broken, { seed: 0, threads: 1 })).rejects.toThrow('cannot read')
    expect(times('NewSession')).toBe(1)
    expectAllFreed()
  })

  test('of an operation that does not suit are all freed, and the error names it and the shapes', () => {
    const graph = new Graph(library)
    const input = (name: string, shape: number[]) =>
      graph.output({ type: 'Placeholder', name, attributes: { dtype: { type: TYPES.float32 }, shape: { shape } } })
    const product = () =>
      graph.add({
        type: 'MatMul',
        name: 'product',
        inputs: [input('a', [2, 3]), input('b', [4, 5])],
        attributes: { T: { type: TYPES.float32 } },
      })
    // the attributes that MatMul has depend on TensorFlow's version
    expect(product).toThrow(
      /^TensorFlow failed while adding MatMul product to a graph at product: INVALID_ARGUMENT: Dimensions must be equal, but are 3 and 4 for .* with input shapes: \[2,3\], \[4,5\]\. If the eager engine does it \(--set training\.engine_mode=eager\), please report this\.$/,
    )
    graph.free()
    expectAllFreed()
  })
})

/** Counts the calls of everything that makes or frees, and the tensors that runs give. */
function count(library: Library, calls: Record<string, number>): void {
  const note = (name: string, by = 1) => (calls[name] = (calls[name] ?? 0) + by)
  for (const name of Object.values(KINDS).flatMap(({ made, freed }) => [...made, freed])) {
    const call = library[name]
    if (!call) continue
    library[name] = ((...args: unknown[]) => {
      note(name)
      return call(...args)
    }) as typeof call
  }
  const { async: run } = library.SessionRun!
  const counting = (...args: unknown[]) => {
    const done = args.pop() as (...result: unknown[]) => void
    const fetched = args[6] as unknown[]
    return run(...args, (...result: unknown[]) => {
      note('fetched', fetched.filter((tensor) => tensor !== null).length)
      done(...result)
    })
  }
  library.SessionRun = Object.assign(() => {}, { async: counting }) as never
}
