import { beforeAll, describe, expect, test } from 'vitest'
import { type Sublayer, siteName } from '../../../src/backbone/hooks.js'
import { captureGradient, captureStep, type StepGraphOptions } from '../../../src/engine/capture/step.js'
import { captureDecoding } from '../../../src/engine/decoding/captured.js'
import { type Node, readGraph, writeGraph } from '../../../src/engine/decoding/node.js'
import { runningLibrary } from '../../../src/engine/graph/start.js'
import { optimizerOf } from '../../../src/engine/optimizer/optimizers.js'
import { seq2seq } from '../../../src/objective/seq2seq.js'
import { engines, useEngine } from '../../support/engines.js'
import { blueprintOfTiny } from '../../support/tiny_presets.js'

const SHAPE = { objective: seq2seq, size: 2, lengths: { source: 5, target: 3 } }

/** The tiny T5's sublayers: three layers in its encoder, two in its decoder. */
const SUBLAYERS = { encoder: ['attention', 'feed_forward'], decoder: ['attention', 'cross_attention', 'feed_forward'] }
const LAYERS = { encoder: 3, decoder: 2 }
const SITES = (['encoder', 'decoder'] as const).flatMap((stack) =>
  Array.from({ length: LAYERS[stack] }, (_, layer) => layer).flatMap((layer) =>
    SUBLAYERS[stack].map((sublayer) => siteName({ stack, layer, sublayer: sublayer as Sublayer })),
  ),
)

/**
 * The part of a recorded operation: `gradient/encoder.0.attention` of `gradient/encoder.0.attention/BatchMatMulV2_3`.
 * Undefined for inputs, outputs, variables and what else has a name of its own.
 */
function partOf({ name }: Node): string | undefined {
  const match = /^(?:(.+)\/)?[A-Z]\w*_\d+$/.exec(name)
  return match ? (match[1] ?? '') : undefined
}

const OTHERS = ['encoder', 'decoder', 'head', 'loss']
const PARTS = [...SITES, ...OTHERS].flatMap((part) => [part, `gradient/${part}`])

const stepOptions = (options: Partial<StepGraphOptions> = {}): StepGraphOptions => ({
  ...{ dropout: 0.1, labelSmoothing: 0, gradientClipNorm: 1, precision: 'float32', checkpointActivations: false },
  optimizer: optimizerOf({ optimizer: 'adam', weight_decay: 0 }),
  ...options,
})

describe.runIf(engines.includes('tensorflow'))('nodes of a captured graph', () => {
  beforeAll(() => useEngine('tensorflow'))

  const library = () => runningLibrary()
  const stepOf = (method: string, options?: Partial<StepGraphOptions>): Node[] =>
    readGraph(captureStep(library(), blueprintOfTiny(method), SHAPE, stepOptions(options)).definition).nodes
  const partsOf = (nodes: Node[]) => [...new Set(nodes.map(partOf))].filter((part) => part !== undefined)

  test.each([
    ['compacter', {}],
    ['full', {}],
    ['bitfit', { precision: 'bfloat16' as const }],
    ['full', { optimizer: optimizerOf({ optimizer: 'adafactor', weight_decay: 0 }) }],
    ['compacter', { checkpointActivations: true }],
  ])('of %s, %j, are named by the sublayer that they compute or take the gradient of', (method, options) => {
    const nodes = stepOf(method, options)
    expect(partsOf(nodes).sort()).toEqual([...PARTS, 'trained', 'gradient', 'update'].sort())
  })

  test('are under the site of the adapter that they belong to', () => {
    const reader = 'decoder.1.feed_forward.down.s'
    const { layout } = blueprintOfTiny('compacter')
    const output = layout.specs.findIndex(({ name }) => name === reader)
    const nodes = stepOf('compacter')
    const view = nodes.find(({ op, inputs }) => op === 'Reshape' && inputs[0] === `trained/SplitV_0:${output}`)!
    const readers = nodes.filter(({ inputs }) => inputs.includes(view.name)).map(partOf)
    expect(readers.length).toBeGreaterThan(0)
    for (const part of readers) expect(part).toMatch(/^(gradient\/)?decoder\.1\.feed_forward$/)
  })

  test('have the same names at every capture, so that a graph is the same bytes', () => {
    const bytes = () => {
      const captured = captureGradient(library(), blueprintOfTiny('compacter'), SHAPE, stepOptions())
      return writeGraph(readGraph(captured.definition))
    }
    expect(Buffer.from(bytes()).equals(Buffer.from(bytes()))).toBe(true)
  })

  test('of a decoding graph are under their sublayers too', () => {
    const { nodes } = readGraph(captureDecoding(library(), blueprintOfTiny('compacter')).definition)
    const parts = partsOf(nodes)
    for (const site of SITES)
      expect(
        parts.some((part) => part.endsWith(`/${site}`)),
        site,
      ).toBe(true)
  })
})
