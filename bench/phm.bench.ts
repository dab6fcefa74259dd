// PHM products against the matrix built: forward and backward of an adapter's two projections, t5-base dimensions.
//   npx tsx bench/phm.bench.ts [tensorflow|wasm] [repetitions]
import '@tensorflow/tfjs'
import * as tf from '@tensorflow/tfjs-core'
import type { EngineName } from '../src/base/choices.js'
import { median } from '../src/base/numbers/quantile.js'
import { startDevice } from '../src/engine/device/device.js'
import { lowRankPhm, phm } from '../src/method/compacter/phm.js'
import { kronecker } from '../test/support/kronecker.js'

const [engine = 'tensorflow', repetitions = '15'] = process.argv.slice(2)
const ROWS = 32 * 128
const D = 768
const B = 24

const device = await startDevice({ engine: engine as EngineName, threads: 2 })
console.log(
  `${device.description}; ${ROWS} rows, ${D} → ${B} → ${D}, rank 1; median of ${repetitions} alternating runs`,
)
console.log(
  '\n| n | low-rank factors | whole B | W built (low rank) | W built (whole B) | built / factors | built / whole B |',
)
console.log('|---|---|---|---|---|---|---|')
for (const n of [2, 4, 8, 12]) {
  const times = await alternating(variants(n), Number(repetitions))
  const [lowRank, whole, builtLowRank, builtWhole] = times as [number, number, number, number]
  const milliseconds = times.map((time) => `${time.toFixed(1)} ms`)
  const ratios = [builtLowRank / lowRank, builtWhole / whole].map((ratio) => `${ratio.toFixed(2)} ×`)
  console.log(`| ${[n, ...milliseconds, ...ratios].join(' | ')} |`)
}

type Product = (x: tf.Tensor2D, A: tf.Tensor3D, ...factors: tf.Tensor3D[]) => tf.Tensor2D

function variants(n: number): (() => tf.Tensor)[] {
  const random = (shape: number[]) => tf.randomNormal(shape, 0, 0.1)
  const x = random([ROWS, D])
  const dy = random([ROWS, D])
  const A = random([n, n, n])
  const low = (p: number, q: number) => [random([n, p, 1]), random([n, 1, q])] as tf.Tensor3D[]
  const full = (p: number, q: number) => [random([n, p, q])] as tf.Tensor3D[]
  const built: Product = (x, A, ...factors) =>
    tf.matMul(x, kronecker(A, (factors.length === 2 ? tf.matMul(factors[0]!, factors[1]!) : factors[0]) as tf.Tensor3D))
  const lowFactors = [...low(D / n, B / n), ...low(B / n, D / n)]
  const fullFactors = [...full(D / n, B / n), ...full(B / n, D / n)]
  const both = (product: Product, factors: tf.Tensor3D[]) => () => {
    const half = factors.length / 2
    return gradients(
      (x, A, ...factors) =>
        product(
          tf.relu(product(x as tf.Tensor2D, A as tf.Tensor3D, ...(factors.slice(0, half) as tf.Tensor3D[]))),
          A as tf.Tensor3D,
          ...(factors.slice(half) as tf.Tensor3D[]),
        ),
      [x, A, ...factors],
      dy,
    )
  }
  return [
    both(lowRankPhm as Product, lowFactors),
    both(phm as Product, fullFactors),
    both(built, lowFactors),
    both(built, fullFactors),
  ]
}

/** Forward, and backward from a given gradient to every input; one number that depends on all of it. */
function gradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const grads = tf.grads(f)(inputs, dy)
    return tf.addN(grads.map((gradient) => tf.reshape(tf.slice(tf.reshape(gradient, [-1]), 0, 1), [])))
  })
}

/** Medians in milliseconds; the functions take turns, so that what else the machine does hits all alike. */
async function alternating(functions: (() => tf.Tensor)[], repetitions: number): Promise<number[]> {
  const times = functions.map((): number[] => [])
  for (let repetition = -2; repetition < repetitions; repetition++) {
    for (const [index, run] of functions.entries()) {
      const started = performance.now()
      const result = run()
      await result.data()
      result.dispose()
      if (repetition >= 0) times[index]!.push(performance.now() - started)
    }
  }
  return times.map(median)
}
