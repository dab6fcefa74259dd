// Kernels of a replayed step of Compacter by their time, on random weights of a backbone's dimensions.
//   npx tsx bench/profile.bench.ts [backbone, default t5-small] [source length, default 64] [float32 | bfloat16]
import { backbonePreset } from '../src/backbone/files/preset.js'
import { withTwoLabels } from '../src/backbone/registry.js'
import type { Precision } from '../src/base/choices.js'
import { startDevice } from '../src/engine/device/device.js'
import type { KernelTime } from '../src/engine/graph/profile.js'
import { blueprintOf, startVector } from '../src/engine/model/model.js'
import { startReplay } from '../src/engine/replay/replay.js'
import { measuredBatch } from '../src/measure/measured_batch.js'
import { randomWeights } from '../src/measure/random_weights.js'
import { methodOptions } from '../src/method/options.js'

const [BATCH, TARGET, THREADS, SEED, WARM_UP] = [32, 4, 2, 42, 5]
const [backbone = 't5-small', sourceLength = '64', precision = 'float32'] = process.argv.slice(2)

await startDevice({ engine: 'tensorflow', threads: THREADS })
const config = withTwoLabels(backbonePreset(backbone)!.config)
const blueprint = blueprintOf(config, methodOptions.parse({ kind: 'compacter', n: 4, rank: 1, reduction_factor: 32 }))
const read = randomWeights(config, SEED)
const options = { seed: SEED, dropout: 0.1, precision: precision as Precision, threads: THREADS }
const replay = await startReplay(blueprint, read, options)
const vector = startVector(blueprint, read, SEED)
const zeros = new Float32Array(vector.length)
await replay.write({ vector, first: zeros, second: zeros })
const lengths = { sourceLength: Number(sourceLength), targetLength: TARGET }
const batch = measuredBatch({ config, batchSize: BATCH, ...lengths })
for (let step = 0; step < WARM_UP; step++) await replay.step(batch, step, 1e-3)
await replay.step(batch, WARM_UP, 1e-3, (kernels) => console.log(table(kernels)))
replay.free()

/** The numbers in an operation's name tell it from others of its kind. */
function table(kernels: KernelTime[]): string {
  const kinds = new Map<string, { count: number; micros: number }>()
  for (const { node, micros } of kernels) {
    const kind = node.split('/').at(-1)!.split(':')[0]!.replace(/_\d+/g, '')
    const { count, micros: before } = kinds.get(kind) ?? { count: 0, micros: 0 }
    kinds.set(kind, { count: count + 1, micros: before + micros })
  }
  const rows = [...kinds].sort(([, a], [, b]) => b.micros - a.micros).slice(0, 16)
  const total = kernels.reduce((sum, { micros }) => sum + micros, 0)
  return [
    `${backbone}, ${BATCH} × ${sourceLength}, ${precision}: ${(total / 1000).toFixed(0)} ms of kernels\n`,
    '| kernel | ms | count |',
    '|---|---|---|',
    ...rows.map(([kind, { count, micros }]) => `| ${kind} | ${(micros / 1000).toFixed(1)} | ${count} |`),
  ].join('\n')
}
