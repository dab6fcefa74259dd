import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { cachedCapture } from '../../../src/engine/capture/cache.js'
import type { Captured } from '../../../src/engine/capture/capture.js'
import { type Blueprint, blueprintOf, startVector } from '../../../src/engine/model/model.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import { methodOptions } from '../../../src/method/options.js'
import type { GraphFacts } from '../../../src/run/manifest.js'
import type { Made } from '../../../src/tensor/made.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { openCase, openFixture } from '../../support/oracle_case.js'

const SEED = 3
const { config, read } = openFixture('t5-tiny')
const compacter = (n: number) => methodOptions.parse({ kind: 'compacter', n, rank: 2, reduction_factor: 6 })
const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')

const graph = (byte: number, bytes = 100): Captured => ({
  definition: new Uint8Array(bytes).fill(byte),
  dropoutPlaces: ['encoder.0', 'decoder.1'],
  large: new Map([
    ['captured/a', { shape: [2, 1], data: Float32Array.of(0.1, -3e38) }],
    ['captured/b', { shape: [3], data: Int32Array.of(7, -1, 2 ** 31 - 1) }],
  ]),
  made: new Map(),
})

describe.runIf(hasEngine('tensorflow'))('the cache of captured graphs', () => {
  let folder: string
  let captures = 0
  const blueprint = blueprintOf(config, compacter(4))
  const names = () => readdirSync(folder).sort()
  const only = () => join(folder, names()[0]!)
  const take = (what: object, made = graph(1), of: Blueprint = blueprint, limit?: number) =>
    cachedCapture(
      of,
      { ...what },
      () => {
        captures++
        return made
      },
      { folder, ...(limit && { limit }) },
    )

  beforeAll(() => useEngine('tensorflow'))
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'compacter-graphs-'))
    captures = 0
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('gives back what was captured, to the byte, and captures once', () => {
    expect(take({ kind: 'step' })).toEqual({ ...graph(1), cached: false })
    const { definition, ...rest } = take({ kind: 'step' }, graph(2))
    expect(Uint8Array.from(definition)).toEqual(graph(1).definition)
    const { dropoutPlaces, large, made } = graph(1)
    expect(rest).toEqual({ dropoutPlaces, large, made, cached: true })
    expect(captures).toBe(1)
  })

  test('a graph that reads values which are made anew is captured each time: a file cannot make them', () => {
    const made: Made = { name: 'a', shape: [1], dtype: 'float32', make: () => Float32Array.of(1) }
    for (const time of [1, 2]) {
      expect(take({ kind: 'step' }, { ...graph(1), made: new Map([['made/a', made]]) }).cached).toBe(false)
      expect(captures).toBe(time)
    }
    expect(names()).toEqual([])
  })

  test('nothing is taken from a folder that others can write', () => {
    vi.stubEnv('COMPACTER_CACHE', join(folder, 'cache'))
    const inOwn = () => cachedCapture(blueprint, { kind: 'step' }, () => graph(1)).cached
    expect([inOwn(), inOwn()]).toEqual([false, true])
    chmodSync(folder, 0o755)
    chmodSync(join(folder, 'cache'), 0o777)
    expect(inOwn()).toBe(false)
    vi.unstubAllEnvs()
  })

  test('another shape, option, method or backbone is another graph', () => {
    take({ kind: 'step', size: 2, dropout: 0.1 })
    take({ kind: 'step', size: 3, dropout: 0.1 })
    take({ kind: 'step', size: 2, dropout: 0.2 })
    take({ kind: 'step', size: 2, dropout: 0.1 }, graph(1), blueprintOf(config, compacter(2)))
    take({ kind: 'step', size: 2, dropout: 0.1 }, graph(1), blueprintOf({ ...config, heads: 5 }, compacter(4)))
    expect(captures).toBe(5)
    expect(names().length).toBe(5)
  })

  test("a method that is not its options' own is never taken from the cache", () => {
    const own = { ...blueprint, method: { ...blueprint.method } }
    take({ kind: 'step' }, graph(1), own)
    take({ kind: 'step' }, graph(1), own)
    expect(captures).toBe(2)
    expect(names()).toEqual([])
  })

  test.each([
    ['one bit is another', (bytes: Buffer) => bytes.with(60, bytes[60]! ^ 1)],
    ['it is cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
    ['it is cut within its digest', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['it is empty', () => Buffer.alloc(0)],
  ])('a file is captured anew where %s', (_, damage) => {
    take({ kind: 'step' })
    const whole = readFileSync(only())
    writeFileSync(only(), damage(whole))
    expect(take({ kind: 'step' })).toEqual({ ...graph(1), cached: false })
    expect(readFileSync(only())).toEqual(whole)
    expect(take({ kind: 'step' }).cached).toBe(true)
    expect(captures).toBe(2)
  })

  test('the least recently used graphs are removed beyond the limit, and what a killed process left after a day', () => {
    const limit = 3000
    const old = (days: number) => new Date(Date.now() - days * 86_400_000)
    const sizes: string[] = []
    for (const shape of [0, 1, 2]) {
      take({ shape }, graph(shape, 600), blueprint, limit)
      const added = names().find((name) => !sizes.includes(name))!
      sizes.push(added)
      utimesSync(join(folder, added), old(5 - shape), old(5 - shape))
    }
    const bytes = statSync(only()).size
    expect(4 * bytes).toBeGreaterThan(limit) // three fit, four do not
    expect(3 * bytes).toBeLessThan(limit)
    for (const [name, days] of [
      ['.x.graph.1.0.tmp', 2],
      ['.y.graph.1.0.tmp', 0],
    ] as const) {
      writeFileSync(join(folder, name), 'half')
      utimesSync(join(folder, name), old(days), old(days))
    }
    expect(take({ shape: 0 }, graph(0), blueprint, limit).cached).toBe(true) // used now, so 1 is the oldest
    take({ shape: 3 }, graph(3, 600), blueprint, limit)
    expect(names()).toContain('.y.graph.1.0.tmp')
    expect(names()).not.toContain('.x.graph.1.0.tmp')
    expect(names()).toContain(sizes[0])
    expect(names()).not.toContain(sizes[1])
    expect(names()).toContain(sizes[2])
  })

  test('a folder that can not be made costs nothing but the capture', () => {
    const captured = cachedCapture(blueprint, {}, () => graph(1), { folder: '/dev/null/graphs' })
    expect(captured).toEqual({ ...graph(1), cached: false })
  })

  test('a graph beyond 8 MiB is not kept', () => {
    take({ kind: 'step' }, graph(1, 8 * 2 ** 20))
    expect(names()).toEqual([])
  })

  test('a training from cached graphs has the bits of one that captured them', async () => {
    const facts: GraphFacts[] = []
    const runs = []
    for (let run = 0; run < 2; run++) {
      const options = {
        seed: SEED,
        dropout: 0.1,
        threads: 2,
        graphs: folder,
        onGraph: (graph: GraphFacts) => facts.push(graph),
      }
      const replay = await startReplay(blueprint, read, options)
      const vector = startVector(blueprint, read, SEED)
      const zeros = new Float32Array(vector.length)
      await replay.write({ vector, first: zeros, second: zeros })
      const losses = []
      for (let step = 0; step < 5; step++) losses.push((await replay.step(batch, step, 1e-3)).loss)
      runs.push({ losses, ...(await replay.read()) })
      replay.free()
    }
    expect(runs[1]).toEqual(runs[0])
    expect(facts.map(({ name, cached }) => ({ name, cached }))).toEqual([
      { name: 'step_4x7x5', cached: false },
      { name: 'step_4x7x5', cached: true },
    ])
  })
})
