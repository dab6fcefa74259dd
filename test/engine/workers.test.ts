// expected: the eager step on the whole batch, which test/engine/oracle.test.ts holds to PyTorch
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { Replica } from '../../src/engine/cluster/replica.js'
import { shares, weightedSum } from '../../src/engine/cluster/split.js'
import { dropoutAt } from '../../src/engine/dropout.js'
import { startVector } from '../../src/engine/model.js'
import { loadLibrary } from '../../src/engine/replay/library.js'
import { lossAndGradient } from '../../src/engine/step.js'
import { loadedTensorflow } from '../../src/engine/tensorflow.js'
import { methodOptions } from '../../src/method/options.js'
import { packageRoot } from '../../src/root.js'
import { openSafetensors } from '../../src/safetensors.js'
import tf from '../../src/tf.cjs'
import { expectClose } from '../close.js'
import { engines, useEngine } from '../engines.js'
import { loadModelOf, openCase } from '../oracle_case.js'

const read = openSafetensors(join(packageRoot, 'test/fixtures/t5-tiny/model.safetensors')).read

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function startWorker() {
  const address = `127.0.0.1:${await freePort()}`
  const worker = spawn('npx', ['tsx', join(packageRoot, 'test/worker_process.ts'), address], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(worker.stdout!, 'data')
  return { address, kill: () => process.kill(-worker.pid!, 'SIGKILL') }
}

describe.runIf(engines.includes('tensorflow'))('gradients of workers', () => {
  let workers: Awaited<ReturnType<typeof startWorker>>[] = []
  beforeAll(async () => {
    await useEngine('tensorflow')
    workers = await Promise.all([1, 2, 3].map(startWorker))
  }, 30_000)
  afterAll(() => {
    for (const worker of workers) worker.kill()
  })

  test.each([1, 2, 3])('of %i make the gradient of the whole batch, dropout and all', async (count) => {
    const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')
    const options = methodOptions.parse({ kind: 'compacter', n: 4, rank: 2, reduction_factor: 6 })
    const model = loadModelOf('t5-tiny', options)
    const vector = startVector(model, read, 11).map((value, i) => value + 0.1 * Math.sin(i)) // at the start all but a few gradients are rounding
    const library = loadLibrary(loadedTensorflow()!.engine)
    const replicas = workers
      .slice(0, count)
      .map(({ address }) => new Replica(library, address, model, { seed: 11, dropout: 0.1, precision: 'float32' }))
    for (const replica of replicas) await replica.load(read)
    for (const step of [0, 1]) {
      const parts = shares(batch, count, model.config.padId)
      const results = await Promise.all(parts.map((share, i) => replicas[i]!.gradient(vector, share, step)))
      const tokens = parts.reduce((sum, part) => sum + part.tokens, 0)
      const whole = lossAndGradient(model, tf.tensor1d(vector), batch, dropoutAt(0.1, 11, step))
      const weights = parts.map((part) => part.tokens / tokens)
      const loss = results.reduce((sum, { loss }, i) => sum + loss * weights[i]!, 0)
      expectClose([loss], [(await whole.loss.data())[0]!], { relative: 1e-6, name: 'loss' })
      const gradient = weightedSum(
        results.map(({ gradient }) => gradient),
        weights,
      )
      expectClose(gradient, (await whole.gradient.data()) as Float32Array, { relative: 1e-5, name: 'gradient' })
    }
    for (const replica of replicas) replica.free()
  })
})
