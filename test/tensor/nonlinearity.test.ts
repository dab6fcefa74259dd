// expected: transformers' ACT2FN and torch.nn.functional.elu, test/oracle/nonlinearities.py

import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/root.js'
import { openSafetensors } from '../../src/base/safetensors/safetensors.js'
import { nonlinearity } from '../../src/method/options/shared.js'
import { nonlinearities } from '../../src/tensor/nonlinearity.js'
import tf from '../../src/tensor/tf.cjs'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'

const { read, entries } = openSafetensors(join(packageRoot, 'test/fixtures/nonlinearities.safetensors'))
const names = nonlinearity.unwrap().options

test('PyTorch has a value for each that an experiment may name', () => {
  const known = [...entries.keys()].filter((name) => name.startsWith('value/')).map((name) => name.slice(6))
  expect([...names].sort()).toEqual(known.sort())
})

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(names)('%s has the values and derivatives that PyTorch has, far from 0 too', async (name) => {
    const f = nonlinearities[name] as (x: tf.Tensor) => tf.Tensor
    const x = tf.tensor1d(read('x') as Float32Array)
    const derivative = tf.grad((x) => tf.sum(f(x)))(x)
    const value = f(x)
    for (const [part, found] of Object.entries({ value, derivative })) {
      const expected = read(`${part}/${name}`) as Float32Array
      const values = await found.data()
      for (const [i, each] of expected.entries())
        expectClose([values[i]!], [each], { relative: 5e-6, name: `${part} ${i}`, floor: 1 })
    }
    tf.dispose([x, derivative, value])
  })
})
