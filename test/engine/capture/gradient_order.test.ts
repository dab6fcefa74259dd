import { beforeAll, describe, expect, test } from 'vitest'
import { captureGradient } from '../../../src/engine/capture/step.js'
import { type Node, readGraph } from '../../../src/engine/decoding/node.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { seq2seq } from '../../../src/objective/seq2seq.js'
import { engines, useEngine } from '../../support/engines.js'
import { blueprintOfTiny } from '../../support/tiny_presets.js'

const SHAPE = { objective: seq2seq, size: 2, lengths: { source: 5, target: 3 } }

const nodesOf = (method: string): Node[] => {
  const settings = { dropout: 0.1, labelSmoothing: 0, precision: 'float32', checkpointActivations: false } as const
  const { definition } = captureGradient(runningLibrary(), blueprintOfTiny(method), SHAPE, settings)
  return readGraph(definition).nodes
}

/** The name of the operation that an input comes from. */
const source = (input: string) => input.replace(/^\^/, '').replace(/:\d+$/, '')

const isGradient = (name: string) => name.startsWith('gradient/')

/** AttrValue: type = 6; DT_BOOL is 10. */
const isOfBooleans = ({ op, attributes }: Node) =>
  op === 'Cast' && Buffer.from(attributes.get('SrcT')!).equals(Buffer.of(6 << 3, 10))

describe.runIf(engines.includes('tensorflow'))('in a captured step', () => {
  beforeAll(() => useEngine('tensorflow'))

  test.each(['compacter', 'full', 'intrinsic'])(
    'of %s no operation of a gradient can run in the forward pass, where its result would be held',
    (method) => {
      const late = new Set<string>()
      const early: string[] = []
      for (const { name, inputs } of nodesOf(method)) {
        const waits = inputs.some((input) => late.has(source(input)))
        if (waits || name.startsWith('gradient/loss/')) late.add(name)
        else if (isGradient(name)) early.push(name)
      }
      expect(late.size).toBeGreaterThan(500)
      expect(early).toEqual([])
    },
  )

  test('of Compacter gradients read the booleans of masks, a byte each, and not the factors made of them', () => {
    const nodes = nodesOf('compacter')
    const casts = new Set(nodes.filter((node) => isOfBooleans(node) && !isGradient(node.name)).map(({ name }) => name))
    expect(casts.size).toBeGreaterThan(10)
    const readsOne = ({ inputs }: Node, names: Set<string>) => inputs.some((input) => names.has(source(input)))
    const factors = new Set(nodes.filter((node) => readsOne(node, casts)).map(({ name }) => name))
    const readers = nodes
      .filter(({ name }) => isGradient(name))
      .filter((node) => readsOne(node, new Set([...casts, ...factors])))
    expect(readers.map(({ name }) => name)).toEqual([])
  })

  test('ReLU comes after the mask that its gradient keeps, so that its input need not be held for the mask', () => {
    const nodes = nodesOf('compacter')
    const masks = new Set(nodes.filter(({ op }) => ['Greater', 'LogicalAnd'].includes(op)).map(({ name }) => name))
    const relus = nodes.filter(({ op }) => op === 'Relu')
    expect(relus.length).toBeGreaterThan(1)
    for (const { name, inputs } of relus)
      expect(
        inputs.filter((input) => input.startsWith('^') && masks.has(source(input))),
        name,
      ).toHaveLength(1)
  })
})
