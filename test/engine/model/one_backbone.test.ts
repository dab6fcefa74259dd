import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { openOneBackbone } from '../../../src/engine/model/one_backbone.js'
import { openTrainedRun, type TrainedRun } from '../../../src/run/trained_run.js'
import { makeRun } from '../../export/made_run.js'
import { engines, useEngine } from '../../support/engines.js'

const folder = mkdtempSync(join(tmpdir(), 'backbone-'))
afterAll(() => rmSync(folder, { recursive: true }))

const FLOAT = 4
const BACKBONE = 9_426_688
const made = async (name: string, ...sets: string[]): Promise<TrainedRun> =>
  openTrainedRun(await makeRun(join(folder, name), ...sets))

let compacter: TrainedRun
let bitfit: TrainedRun
let full: TrainedRun
beforeAll(async () => {
  await useEngine(engines[0]!)
  compacter = await made('compacter', 'method.preset=compacter')
  bitfit = await made('bitfit', 'method.preset=bitfit')
  full = await made('full', 'method.preset=full')
})

test('runs that train other tensors share every tensor that both leave frozen, and all is freed at the end', async () => {
  const before = tf.memory()
  const backbone = await openOneBackbone([compacter, bitfit], silent)
  const [first, second] = [backbone.load(compacter), backbone.load(bitfit)]
  const both = [...first.model.frozen].filter(([name]) => second.model.frozen.has(name))
  for (const [name, tensor] of both) expect(second.model.frozen.get(name) === tensor, name).toBe(true)
  expect(both).toHaveLength(first.model.frozen.size) // Compacter trains the layer norms, which BitFit leaves frozen
  const bytes = tf.memory().numBytes - before.numBytes
  expect(bytes).toBe(FLOAT * (BACKBONE + 18_368 + 35_776))
  first.dispose()
  second.dispose()
  backbone.close()
  expect(tf.memory().numTensors).toBe(before.numTensors)
})

test('a run that trains everything needs no frozen tensor, and takes a whole copy', async () => {
  const before = tf.memory().numBytes
  const backbone = await openOneBackbone([full, compacter], silent)
  const whole = backbone.load(full)
  expect(tf.memory().numBytes - before).toBe(FLOAT * BACKBONE)
  const small = backbone.load(compacter)
  expect(tf.memory().numBytes - before).toBeLessThan(FLOAT * (2 * BACKBONE + 18_368))
  expect(backbone.storage).toEqual({
    runs: 2,
    backbone_bytes: FLOAT * BACKBONE,
    trained_bytes: FLOAT * (BACKBONE + 18_368),
    full_copies_bytes: FLOAT * 2 * BACKBONE,
  })
  for (const run of [whole, small]) run.dispose()
  backbone.close()
  expect(tf.memory().numBytes).toBe(before)
})

test('of a run with its vocabulary trimmed only the embedding is its own', async () => {
  const trimmed = await made('trimmed', 'method.preset=compacter', 'backbone.trim_vocabulary=true')
  const before = tf.memory().numBytes
  const backbone = await openOneBackbone([compacter, trimmed], silent)
  const [first, second] = [backbone.load(compacter), backbone.load(trimmed)]
  const apart = [...first.model.frozen].filter(([name, tensor]) => second.model.frozen.get(name) !== tensor)
  expect(apart.map(([name]) => name)).toEqual(['shared.weight'])
  expect(second.model.frozen.get('shared.weight')!.shape).toEqual([8100, 256])
  for (const run of [first, second]) run.dispose()
  backbone.close()
  expect(tf.memory().numBytes).toBe(before)
})
