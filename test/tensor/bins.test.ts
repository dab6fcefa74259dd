import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { keyOf, regeneratedNormals } from '../../src/method/intrinsic/regenerated.js'
import { sumsByBin } from '../../src/tensor/bins.js'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each([
    [4096, 32],
    [4096, 4096],
    [64, 16],
    [2, 1],
    [1, 1],
  ])('%i numbers in %i bins are summed as by definition, each time to the same bits', async (size, bins) => {
    const x = regeneratedNormals(size + (size % 2), keyOf(1, 'x')).subarray(0, size)
    const binOf = Int32Array.from(x, (_, i) => (i * 2654435761) % bins)
    const expected = new Float64Array(bins)
    for (const [i, bin] of binOf.entries()) expected[bin]! += x[i]!
    const sums = async () => (await sumsByBin(tf.tensor1d(x), tf.tensor1d(binOf, 'int32'), bins).data()) as Float32Array
    const first = await sums()
    expectClose(first, expected, { relative: 1e-5, name: 'sums' })
    for (let time = 0; time < 5; time++) expect(await sums()).toEqual(first)
  })
})
