import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { cacheFolder } from '../../src/base/files/cache_folder.js'
import { attribute, node, readGraph, writeGraph } from '../../src/engine/decoding/node.js'
import { TYPES } from '../../src/engine/graph/tensor.js'
import type { GradientComparison } from '../../src/engine/replay/gradients.js'
import { compacter, smallExperiment } from '../support/cli.js'
import { hasEngine } from '../support/engines.js'

const { folder, file } = smallExperiment({ steps: 1, batch_size: 4, dropout: 0.1, label_smoothing: 0.1 })
afterAll(() => rmSync(folder, { recursive: true }))

const doctor = (env: NodeJS.ProcessEnv, ...more: string[]) =>
  compacter(['doctor', '--gradients', file, '--quiet', ...more], env)

test('is refused where the engine that replays is not set up, with the command that does it', async () => {
  const { code, stderr } = await doctor({ COMPACTER_CACHE: join(folder, 'empty') })
  expect(code).toBe(1)
  expect(stderr).toContain(
    '--gradients: compares with replayed gradients, which need TensorFlow itself: the native engine is not set up. Run `npm run setup`.',
  )
})

test('--set without --gradients is refused: there is no experiment to set a value of', async () => {
  const { code, stderr } = await compacter(['doctor', '--set', 'method=full'])
  expect(code).toBe(2)
  expect(stderr).toContain('--gradients')
})

describe.runIf(hasEngine('tensorflow'))('doctor --gradients', () => {
  /** The engine of this machine, and graphs of this test's own. */
  const cache = mkdtempSync(join(tmpdir(), 'compacter-doctor-'))
  mkdirSync(join(cache, 'graphs'), { mode: 0o700 })
  symlinkSync(join(cacheFolder(), 'engines'), join(cache, 'engines'))
  afterAll(() => rmSync(cache, { recursive: true }))
  const env = { COMPACTER_CACHE: cache }

  test('compares every trained tensor at batches for both orders of cross-attention, and finds them equal', async () => {
    const { code, stdout, stderr } = await doctor(env, '--json')
    expect(code, stderr).toBe(0)
    const { within_tolerance, tolerance, batches } = JSON.parse(stdout) as GradientComparison
    expect(within_tolerance).toBe(true)
    expect(batches.length).toBe(2)
    for (const { loss, tensors } of batches) {
      expect(loss.eager).toBeGreaterThan(0)
      expect(tensors.length).toBe(119)
      for (const { tensor, norm, relative, verdict } of tensors) {
        expect(norm, tensor).toBeGreaterThan(0)
        expect(relative, tensor).toBeLessThanOrEqual(tolerance)
        expect(verdict, tensor).toBe('within')
      }
    }
  })

  test('names a tensor whose replayed gradient is twice what it should be, and exits 1', async () => {
    const spoiled = graphFiles(cache).map((path) => doubleOneGradient(path))
    expect(spoiled.length).toBe(2)
    const { code, stdout } = await doctor(env, '--json')
    expect(code).toBe(1)
    const { within_tolerance, batches } = JSON.parse(stdout) as GradientComparison
    expect(within_tolerance).toBe(false)
    for (const { draws, loss, tensors } of batches) {
      expect(draws).toBe(5) // a wrong graph is wrong at every batch
      expect(loss.within_tolerance).toBe(true)
      const differing = tensors.filter(({ verdict }) => verdict !== 'within')
      expect(differing.map(({ tensor }) => tensor)).toEqual([tensors[SPOILED]!.tensor])
      expect(differing[0]!.relative).toBeCloseTo(1, 3)
    }
    const table = await doctor(env)
    expect(table.code).toBe(1)
    const [line] = table.stdout.split('\n').filter((line) => line.includes('differs'))
    expect(line).toContain(batches[0]!.tensors[SPOILED]!.tensor)
    expect(table.stdout).toContain('1 of 119 tensors differs by more than 0.001.')
  })
})

/** Place of the tensor whose gradient is doubled. */
const SPOILED = 7

const graphFiles = (cache: string): string[] =>
  readdirSync(join(cache, 'graphs')).map((name) => join(cache, 'graphs', name))

/** Adds one tensor's gradient to itself in a cached graph, which is then the graph that is replayed. */
function doubleOneGradient(path: string): void {
  const body = readFileSync(path).subarray(32)
  const end = 4 + body.readUInt32LE(0)
  const head = JSON.parse(body.toString('utf8', 4, end)) as { definition: number }
  const { nodes, versions } = readGraph(body.subarray(end, end + head.definition))
  const [flat] = nodes.find(({ name }) => name === 'gradient')!.inputs
  const joined = nodes.find(({ name }) => name === flat)!
  const own = joined.inputs[SPOILED]!
  const doubled = node('AddV2', 'doubled', [own, own], { T: attribute.type(TYPES.float32) })
  joined.inputs[SPOILED] = 'doubled'
  const definition = writeGraph({ nodes: [...nodes, doubled], versions })
  const json = Buffer.from(JSON.stringify({ ...head, definition: definition.length }))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  const changed = Buffer.concat([length, json, definition, body.subarray(end + head.definition)])
  writeFileSync(path, Buffer.concat([createHash('sha256').update(changed).digest(), changed]))
}
