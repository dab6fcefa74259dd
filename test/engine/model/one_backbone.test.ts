import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { type OneBackbone, openOneBackbone } from '../../../src/engine/model/one_backbone.js'
import { sessionRuns } from '../../../src/engine/replay/session_runs.js'
import type { Device } from '../../../src/run/manifest.js'
import { openTrainedRun, type TrainedRun } from '../../../src/run/trained_run.js'
import { batch, makeRun } from '../../export/made_run.js'
import { engines, hasEngine, useEngine } from '../../support/engines.js'

const folder = mkdtempSync(join(tmpdir(), 'backbone-'))
afterAll(() => rmSync(folder, { recursive: true }))

const FLOAT = 4
const BACKBONE = 9_426_688
const COMPACTER = 18_368
const TRIMMED_TABLE = 8100 * 256
const made = async (name: string, ...sets: string[]): Promise<TrainedRun> =>
  openTrainedRun(await makeRun(join(folder, name), ...sets))

let device: Device
let compacter: TrainedRun
let bitfit: TrainedRun
let full: TrainedRun
let trimmed: TrainedRun
beforeAll(async () => {
  device = await useEngine(engines[0]!)
  compacter = await made('compacter', 'method.preset=compacter')
  bitfit = await made('bitfit', 'method.preset=bitfit')
  full = await made('full', 'method.preset=full')
  trimmed = await made('trimmed', 'method.preset=compacter', 'backbone.trim_vocabulary=true')
})

describe('op by op', () => {
  const bytes = (runs: TrainedRun[]) => bytesOf(runs, () => tf.memory().numBytes)

  test('runs that train other tensors share every tensor that both leave frozen, and all is freed at the end', async () => {
    const before = tf.memory()
    const [, both] = await bytes([compacter, bitfit])
    expect(both).toBe(inBytes(BACKBONE + COMPACTER + 35_776)) // Compacter trains the layer norms, BitFit does not
    expect(tf.memory().numTensors).toBe(before.numTensors)
  })

  test('a run that trains everything needs no frozen tensor, and takes a whole copy', async () => {
    const [whole, both] = await bytes([full, compacter])
    expect(whole).toBe(inBytes(BACKBONE))
    expect(both).toBeLessThan(inBytes(2 * BACKBONE + COMPACTER))
  })

  test('of a run with its vocabulary trimmed only the embedding is its own', async () => {
    const [first, both] = await bytes([compacter, trimmed])
    expect(both! - first!).toBe(inBytes(TRIMMED_TABLE + COMPACTER))
  })
})

test('only a session has bfloat16', async () => {
  const backbone = await openOneBackbone([compacter], silent, { eager: true, precision: 'bfloat16' })
  await expect(backbone.load(compacter, device)).rejects.toThrow(
    '--precision bfloat16: needs the engine tensorflow and its C API. Run `',
  )
  backbone.close()
})

describe.runIf(hasEngine('tensorflow'))('in a session', () => {
  test('runs decode as they do op by op, also after another one is disposed', async () => {
    const runs = [compacter, bitfit, full, trimmed]
    const outputs = (eager: boolean) =>
      opened(runs, eager, async (backbone) => {
        const all: unknown[] = []
        const loaded = await Promise.all(runs.map((run) => backbone.load(run, device)))
        for (const run of [...loaded, loaded[0]!]) all.push(await decoded(run))
        await loaded[0]!.dispose()
        for (const run of loaded.slice(1)) all.push(await decoded(run), await run.dispose())
        return all
      })
    const expected = await outputs(true)
    expect(new Set(expected.map(String)).size).toBeGreaterThan(3) // else runs could be confused unseen
    expect(await outputs(false)).toEqual(expected)
  })

  test('weights are held once: each tensor is read once, however many runs leave it frozen', async () => {
    const reads = new Map<string, number>()
    await opened([compacter], true, async (backbone) => {
      const { config, files } = backbone.backboneOf(compacter)
      const read = (name: string) => {
        reads.set(name, (reads.get(name) ?? 0) + 1)
        return files.read(name)
      }
      const held = sessionRuns(runningLibrary(), read, { threads: 2 })
      for (const run of [compacter, bitfit, compacter]) await held.load(run, config)
      await held.load(trimmed, backbone.backboneOf(trimmed).config)
      held.close()
    })
    const { 'shared.weight': table, ...others } = Object.fromEntries(reads)
    expect(table).toBe(2) // the whole one, and the trimmed one
    expect(Object.values(others).every((count) => count === 1)).toBe(true)
    expect(Object.keys(others).length).toBeGreaterThan(50)
  })
})

test('the storage of runs is told in bytes', async () => {
  const storage = await opened([full, compacter], true, async (backbone) => backbone.storage)
  expect(storage).toEqual({
    runs: 2,
    backbone_bytes: inBytes(BACKBONE),
    trained_bytes: inBytes(BACKBONE + COMPACTER),
    full_copies_bytes: inBytes(2 * BACKBONE),
  })
})

const inBytes = (floats: number) => FLOAT * floats

const decoded = async (run: Awaited<ReturnType<OneBackbone['load']>>) => {
  const decoder = await run.decoder()
  const ids = await decoder.generate(batch, 6)
  await decoder.dispose()
  return ids
}

async function opened<T>(runs: TrainedRun[], eager: boolean, work: (backbone: OneBackbone) => Promise<T>): Promise<T> {
  const backbone = await openOneBackbone(runs, silent, { eager })
  try {
    return await work(backbone)
  } finally {
    backbone.close()
  }
}

/** What is taken after each run is loaded; all of it is freed then. */
const bytesOf = (runs: TrainedRun[], taken: () => number): Promise<number[]> => {
  const before = taken()
  return opened(runs, true, async (backbone) => {
    const bytes: number[] = []
    const loaded = []
    for (const run of runs) {
      loaded.push(await backbone.load(run, device))
      bytes.push(taken() - before)
    }
    for (const run of loaded) await run.dispose()
    return bytes
  })
}
