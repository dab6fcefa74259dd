// expected: one process, whose steps on whole batches test/engine/model/oracle.test.ts holds to PyTorch

import { beforeAll, describe, test } from 'vitest'
import { startDevice } from '../../../src/engine/device/device.js'
import { smallExperiment } from '../../support/cli.js'
import { expectClose } from '../../support/close.js'
import { hasEngine } from '../../support/engines.js'
import { launchers, twentyStepsOnRanks } from '../../support/launchers.js'
import { METHODS, type Steps, twentySteps } from '../../support/twenty_steps.js'

// a seed with which no unit is 0 up to rounding: such a one has all of its gradient in one process and none in another
const { file } = smallExperiment({
  ...{ seed: 1, steps: 20, batch_size: 7, warmup_steps: 4, evaluate_every: 20, source_length: 32, dropout: 0.1 },
})

const ALL = Object.entries(METHODS)
/** All methods on two ranks of one library, one on three of each; `bench/mpi.bench.ts equal` has all of all. */
const CASES = launchers.flatMap((launcher, i) => [
  ...(i === 0 ? [{ launcher, size: 2, methods: ALL }] : []),
  { launcher, size: 3, methods: ALL.slice(0, 1) },
])

describe.runIf(hasEngine('tensorflow') && launchers.length > 0)('ranks', () => {
  const whole = new Map<string, Steps>()
  const inParts = new Map<string, Steps>()
  beforeAll(async () => {
    await startDevice({ engine: 'tensorflow', threads: 1 })
    for (const [method] of ALL) whole.set(method, await twentySteps(file, method, 'replay'))
    for (const { size, methods } of CASES)
      for (const [method] of methods) {
        const name = `${method} ${size}`
        if (!inParts.has(name)) inParts.set(name, await twentySteps(file, method, 'replay', { parts: size }))
      }
  }, 600_000)

  // 7 rows: shares are uneven, and the last batch of an epoch has one row, so that all ranks but one have none
  test.each(CASES)(
    'of $launcher.name, $size, take the twenty steps of one process, dropout and uneven shares and all',
    async ({ launcher, size, methods }) => {
      const names = methods.map(([method]) => method)
      const results = await twentyStepsOnRanks(launcher, size, file, names)
      for (const [method, relative] of methods) {
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
