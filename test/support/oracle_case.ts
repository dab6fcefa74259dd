import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig } from '../../src/backbone/registry.js'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { gathered } from '../../src/engine/model/layout.js'
import { loadModel, type Model } from '../../src/engine/model/model.js'
import type { FastfoodParts } from '../../src/method/intrinsic/fastfood.js'
import { intrinsicWith } from '../../src/method/intrinsic/intrinsic.js'
import type { Method } from '../../src/method/method.js'
import { type MethodOptions, methodOptions } from '../../src/method/options.js'
import type { Batch } from '../../src/task/tokens/batches.js'
import tf from '../../src/tensor/tf.cjs'
import { zeroPadded } from './zero_padded.js'

/** What PyTorch computed, see test/oracle/README.md. */
export interface OracleCase {
  method: MethodOptions
  learningRate: number
  /** Trained tensors whose gradient is rounding only: left out of comparisons. */
  illConditioned: string[]
  batch: Batch
  read(name: string): Float32Array
  readInts(name: string): Int32Array
  has(name: string): boolean
}

const fixture = (...path: string[]) => join(packageRoot, 'test', 'fixtures', ...path)

export function openCase(backbone: string, name: string): OracleCase {
  const file = openSafetensors(fixture(backbone, `${name}.safetensors`))
  const { method, learning_rate, ill_conditioned } = JSON.parse(file.metadata.case!)
  const [size] = file.entries.get('input_ids')!.shape as [number, number]
  const ids = { source: file.readInts('input_ids'), target: file.readInts('labels') }
  const masks = file.entries.has('attention_mask') && {
    source_mask: file.readInts('attention_mask'),
    target_mask: file.readInts('label_mask'),
  }
  const padded = zeroPadded(ids, size)
  return {
    method: method.kind === 'none' ? { kind: 'full' } : methodOptions.parse(method),
    learningRate: learning_rate,
    illConditioned: ill_conditioned,
    batch: { ...padded, inputs: { ...padded.inputs, ...masks } },
    read: (tensor) => file.read(tensor),
    readInts: (tensor) => file.readInts(tensor),
    has: (tensor) => file.entries.has(tensor),
  }
}

export function openFixture(backbone: string) {
  const config = fixture(backbone, 'config.json')
  return {
    config: parseConfig(JSON.parse(readFileSync(config, 'utf8')), config),
    read: openSafetensors(fixture(backbone, 'model.safetensors')).read,
  }
}

/** The fixture's backbone on the device, with any method. */
export function loadModelOf(backbone: string, method: MethodOptions): Model {
  const { config, read } = openFixture(backbone)
  return loadModel(config, method, read, 0)
}

/** The case's backbone on the device, and the trained vector it starts from. */
export function loadCase(backbone: string, oracle: OracleCase): { model: Model; start: Float32Array } {
  const files = openFixture(backbone)
  const model = loadModel(files.config, oracle.method, files.read, 0)
  const start = gathered(model.layout, ({ name }) => oracle.read(`trained/${name}`))
  for (const [name, drawn] of model.constants) {
    model.constants.set(name, tf.tensor(oracle.read(`fixed/${name}`), drawn.shape))
    drawn.dispose()
  }
  if (oracle.method.kind !== 'intrinsic') return { model, start }
  const method = intrinsicWith((_seed, tensor) => storedParts(oracle, tensor)) as Method<MethodOptions>
  return { model: { ...model, method }, start }
}

/** The parts that PyTorch drew. */
function storedParts({ read, readInts }: OracleCase, tensor: string): FastfoodParts {
  return {
    name: `oracle/${tensor}`,
    signs: (count) => read(`fastfood/${tensor}/b`).subarray(0, count),
    permutation: () => readInts(`fastfood/${tensor}/permutation`),
    gaussian: () => read(`fastfood/${tensor}/g`),
  }
}

/** The bare backbone: nothing is trained. */
export function loadBare(backbone: string): { model: Model; start: Float32Array } {
  const files = openFixture(backbone)
  const model = loadModel(files.config, { kind: 'full' }, files.read, 0)
  return { model, start: gathered(model.layout, ({ name }) => files.read(name)) }
}
