import { beforeAll, describe, expect, test } from 'vitest'
import { divided } from '../../../src/engine/decoding/before_loop.js'
import { captureDecoding } from '../../../src/engine/decoding/captured.js'
import { attribute, ints, type Node, node, readGraph, variableNodes } from '../../../src/engine/decoding/node.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { TYPES } from '../../../src/engine/graph/tensor.js'
import { hasEngine, useEngine } from '../../support/engines.js'
import { blueprintOfTiny } from '../../support/tiny_presets.js'

const float = { T: attribute.type(TYPES.float32) }
const names = (nodes: Node[]) => nodes.map(({ name }) => name)

test('what depends on variables and constants alone is before the loop, with these', () => {
  const body = [
    node('Placeholder', 'ids', [], {}),
    ...variableNodes('w', [2, 2]),
    ints('shape', [4]),
    ints('unused', [4]),
    node('Reshape', 'flat', ['w/read', 'shape'], float),
    node('Split', 'halves', ['shape', 'flat'], float),
    node('Mul', 'square', ['halves:1', 'halves'], float),
    node('Shape', 'counted', ['square'], { ...float, T: attribute.type(TYPES.int32) }),
    node('AddV2', 'moved', ['ids', 'square'], float),
    node('AddV2', 'sized', ['size/past', 'shape'], float),
  ]
  const { before, inside, isBefore } = divided(body)
  expect(names(before)).toEqual(['w', 'w/read', 'shape', 'flat', 'halves', 'square'])
  expect(names(inside)).toEqual(['ids', 'w', 'w/read', 'shape', 'unused', 'counted', 'moved', 'sized'])
  expect(['square', 'halves:1', 'w/read', 'shape', 'moved', 'size/past'].map(isBefore)).toEqual([
    ...[true, true, false, false, false, false],
  ])
})

describe.runIf(hasEngine('tensorflow'))('a step of decoding', () => {
  beforeAll(() => useEngine('tensorflow'))

  test.each([
    ['prefix-tuning', 'Tanh', 4], // keys and values of two layers
    ['dora', 'Sqrt', 6], // q and v of self-attention, q of cross-attention, in two layers
  ])('of %s computes no %s: that is done once', (preset, op, count) => {
    const { nodes } = readGraph(captureDecoding(runningLibrary(), blueprintOfTiny(preset)).definition)
    const inPart = (part: string) => nodes.filter((node) => node.op === op && node.name.startsWith(`decoding/${part}/`))
    expect(inPart('once')).toHaveLength(count)
    expect(inPart('step')).toEqual([])
  })
})
