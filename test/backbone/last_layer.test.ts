import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Head } from '../../src/backbone/family.js'
import { contextual } from '../../src/backbone/forward.js'
import { parseConfig, withHead } from '../../src/backbone/registry.js'
import { packageRoot } from '../../src/base/root.js'
import { unflatten } from '../../src/engine/model/layout.js'
import { disposeModel, loadModel, passOf, startVector } from '../../src/engine/model/model.js'
import { randomWeights } from '../../src/measure/random_weights.js'
import { noDropout } from '../../src/tensor/dropout.js'
import tf from '../../src/tensor/tf.cjs'
import { expectClose } from '../support/close.js'
import { engines, useEngine } from '../support/engines.js'
import { preset } from '../support/tiny_presets.js'

const [TEXT, TOKENS]: Head[] = [
  { kind: 'sequence', labels: 3 },
  { kind: 'tokens', labels: 3 },
]
const [BATCH, LENGTH, D] = [2, 5, 24]

/** What leaves the last layer for a head, with a prompt of 5 vectors. */
function hiddenFor(type: string, head: Head): tf.Tensor2D {
  const file = join(packageRoot, `test/fixtures/${type}-tiny/config.json`)
  const config = withHead(parseConfig(JSON.parse(readFileSync(file, 'utf8')), file), head)
  const read = randomWeights(config, 7)
  const model = loadModel(config, preset('prompt-tuning-r', { length: 5 }).options, read, 7)
  const hidden = tf.tidy(() => {
    const pass = passOf(model, unflatten(model.layout, tf.tensor1d(startVector(model, read, 7))), noDropout)
    const ids = tf.tensor2d([8, 9, 10, 11, 12, 13, 14, 15, 16, 17], [BATCH, LENGTH], 'int32')
    const mask = tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [BATCH, LENGTH], 'int32')
    return contextual(pass, { ids, mask }, head).hidden
  })
  disposeModel(model)
  return hidden
}

describe.each(engines)('on %s', (engine) => {
  beforeAll(() => useEngine(engine))

  test.each(['bert', 'roberta', 'distilbert', 'electra', 'deberta-v2'])(
    'the last layer of %s gives a head of a text the first tokens alone, as they are among all',
    async (type) => {
      const [first, all] = [hiddenFor(type, TEXT!), hiddenFor(type, TOKENS!)]
      expect([first.shape, all.shape]).toEqual([
        [BATCH, D],
        [BATCH * (5 + LENGTH), D],
      ])
      const among = tf.tidy(() => tf.gather(all, [0, 5 + LENGTH]))
      expectClose(await first.data(), await among.data(), { relative: 1e-5, name: 'first tokens' })
      tf.dispose([first, all, among])
    },
  )

  test('the last layer of modernbert gives a head that reads the mean all tokens', () => {
    const hidden = hiddenFor('modernbert', TEXT!)
    expect(hidden.shape).toEqual([BATCH * (5 + LENGTH), D])
    hidden.dispose()
  })
})
