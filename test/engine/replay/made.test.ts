import { beforeAll, describe, expect, test } from 'vitest'
import { captureStep } from '../../../src/engine/capture/step.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { type Blueprint, startVector } from '../../../src/engine/model/model.js'
import { adam } from '../../../src/engine/optimizer/adam.js'
import { startReplay } from '../../../src/engine/replay/replay.js'
import type { FastfoodParts } from '../../../src/method/intrinsic/fastfood.js'
import { intrinsicWith } from '../../../src/method/intrinsic/intrinsic.js'
import { regeneratedParts } from '../../../src/method/intrinsic/regenerated.js'
import type { Method } from '../../../src/method/method.js'
import type { MethodOptions } from '../../../src/method/options.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { openCase, openFixture } from '../../support/oracle_case.js'
import { blueprintOfTiny } from '../../support/tiny_presets.js'

const { read } = openFixture('t5-tiny')
const { batch } = openCase('t5-tiny', 'compacter-n3-rank2')

/** `intrinsic` that tells which parts it makes. */
function telling(made: string[]): Blueprint {
  const parts = (seed: number, tensor: string, bits: number): FastfoodParts => {
    const own = regeneratedParts(seed, tensor, bits)
    const told = <T>(use: string, values: T) => {
      made.push(`${tensor} ${use}`)
      return values
    }
    return {
      name: own.name,
      signs: (count) => told('signs', own.signs(count)),
      permutation: () => told('permutation', own.permutation()),
      gaussian: () => told('gaussian', own.gaussian()),
    }
  }
  return { ...blueprintOfTiny('intrinsic'), method: intrinsicWith(parts) as Method<MethodOptions> }
}

describe.runIf(hasEngine('tensorflow'))('the random parts of projections', () => {
  beforeAll(() => useEngine('tensorflow'))

  test('are not made by a capture, which would hold all of them at once', () => {
    const made: string[] = []
    const settings = { dropout: 0, labelSmoothing: 0, gradientClipNorm: 1, checkpointActivations: false }
    const captured = captureStep(runningLibrary(), telling(made), batch, {
      ...settings,
      optimizer: adam,
      precision: 'float32',
    })
    expect(made).toEqual([])
    expect(captured.large.size).toBe(0)
    expect(captured.made.size).toBeGreaterThan(100)
  })

  test('are made once in a session, for all of its graphs', async () => {
    const made: string[] = []
    const blueprint = telling(made)
    const replay = await startReplay(blueprint, read, { seed: 1, threads: 2 })
    const vector = startVector(blueprint, read, 1)
    const zeros = new Float32Array(vector.length)
    await replay.write({ vector, first: zeros, second: zeros })
    await replay.step(batch, 0, 1e-3)
    const once = made.length
    expect(new Set(made).size).toBe(once)
    const decoder = await replay.decoder()
    await decoder.loss(batch)
    await decoder.dispose()
    await replay.gradient({ batch }, 1)
    expect(made.length).toBe(once)
    replay.free()
  })
})
