import { beforeAll, describe, expect, test } from 'vitest'
import { batchInput, type Capture, type Captured, capture } from '../../../src/engine/capture/capture.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { unflatten } from '../../../src/engine/model/layout.js'
import { passOf } from '../../../src/engine/model/model.js'
import { batchLoss } from '../../../src/engine/model/step.js'
import { seq2seq } from '../../../src/objective/seq2seq.js'
import type { Batch } from '../../../src/task/tokens/batches.js'
import { dropoutBy } from '../../../src/tensor/dropout.js'
import { engines, useEngine } from '../../support/engines.js'
import { blueprintOfTiny } from '../../support/tiny_presets.js'

const SHAPE = { objective: seq2seq, size: 2, lengths: { source: 5, target: 3 } }

/** The loss of a batch as a graph; `change` is the fault that is put in. */
function captureLossOf({ change = (batch) => batch, key = (own) => own }: Fault): Captured {
  const library = runningLibrary()
  return capture(library, blueprintOfTiny('compacter'), 'float32', (captured: Capture) => {
    const { model, vector, fetch, dropoutKey } = captured
    const dropout = dropoutBy(0.1, (place) => key(dropoutKey(place), place))
    const batch = change(batchInput(captured, SHAPE))
    fetch('loss', batchLoss(passOf(model, unflatten(model.layout, vector), dropout), batch))
  })
}

interface Fault {
  change?: (batch: Batch) => Batch
  key?: (own: Int32Array, place: string) => Int32Array
}

describe.runIf(engines.includes('tensorflow'))('a capture', () => {
  beforeAll(() => useEngine('tensorflow'))

  test('reads every input that it declares', () => {
    expect(captureLossOf({}).dropoutPlaces).toContain('encoder.embedded')
  })

  const names = ['source', 'source_mask', 'target', 'target_mask'] as const
  test.each(names)('fails where the input %s was copied, and would be the same for every batch', (name) => {
    const copied = (batch: Batch) => ({ ...batch, inputs: { ...batch.inputs, [name]: batch.inputs[name].slice() } })
    expect(() => captureLossOf({ change: copied })).toThrow(
      `a captured graph never reads its input ${name}: what is fed`,
    )
  })

  test('fails where a mask of dropout would be the same for every step', () => {
    const key = (own: Int32Array, place: string) => (place === 'decoder.embedded' ? own.slice() : own)
    expect(() => captureLossOf({ key })).toThrow('never reads its input dropout_keys (decoder.embedded)')
  })
})
