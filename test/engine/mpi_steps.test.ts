// expected: one process, whose steps on whole batches test/engine/oracle.test.ts holds to PyTorch

import { beforeAll, describe, test } from 'vitest'
import { startDevice } from '../../src/engine/device.js'
import { smallExperiment } from '../cli.js'
import { expectClose } from '../close.js'
import { engines } from '../engines.js'
import { launchers, twentyStepsOnRanks } from '../launchers.js'
import { METHODS, type Steps, twentySteps } from '../twenty_steps.js'

// a seed with which no unit is 0 up to rounding: such a one has all of its gradient in one process and none in another
const { file } = smallExperiment({
  ...{ seed: 1, steps: 20, batch_size: 7, warmup_steps: 4, evaluate_every: 20, source_length: 32, dropout: 0.1 },
})

const SIZES = [2, 3]

describe.runIf(engines.includes('tensorflow') && launchers.length > 0)('ranks', () => {
  const whole = new Map<string, Steps>()
  const inParts = new Map<string, Steps>()
  beforeAll(async () => {
    await startDevice({ engine: 'tensorflow', threads: 1 })
    for (const method of Object.keys(METHODS)) {
      whole.set(method, await twentySteps(file, method, 'replay'))
      for (const size of SIZES)
        inParts.set(`${method} ${size}`, await twentySteps(file, method, 'replay', { parts: size }))
    }
  }, 600_000)

  // 7 rows: shares are uneven, and the last batch of an epoch has one row, so that all ranks but one have none
  describe.each(launchers)('of $name', (launcher) => {
    test.each(SIZES)(
      '%i take the twenty steps of one process, dropout and uneven shares and all',
      async (size) => {
        const results = await twentyStepsOnRanks(launcher, size, file, Object.keys(METHODS))
        for (const [method, relative] of Object.entries(METHODS)) {
          const { losses, vector } = results.get(method)!
          const order = size === 2 ? 1e-6 : relative // two values have one sum; three have one for each order
          const same = inParts.get(`${method} ${size}`)!
          expectClose(losses, same.losses, { relative: order, name: `losses of ${method} beside the same shares` })
          expectClose(vector, same.vector, {
            relative: order,
            name: `trained values of ${method} beside the same shares`,
          })
          expectClose(losses, whole.get(method)!.losses, { relative, name: `losses of ${method}` })
          expectClose(vector, whole.get(method)!.vector, { relative, name: `trained values of ${method}` })
        }
      },
      900_000,
    )
  })
})
