import { positionBuckets } from '../../backbone/forward.js'
import type { Stack } from '../../backbone/hooks.js'
import { type Seq2SeqConfig, withDecoder } from '../../backbone/registry.js'
import type { Library } from '../graph/library.js'
import { TYPES } from '../graph/tensor.js'
import { constant, fill, identity, pack, placed, READ, readsOf, shapeOf, unpack, within } from './assembly.js'
import { divided } from './before_loop.js'
import { withFreeSizes } from './free_sizes.js'
import { Loop } from './loop.js'
import { attribute, ints, type Node, type NodeGraph, node } from './node.js'
import { decoderPiece, encoderPiece, memoryNames, outputName, pastNames, type Served } from './pieces.js'
import { buckets, causalMask, type Queries } from './positions.js'

/** Names in signatures. */
export const SOURCE_IDS = 'source_ids'
export const ATTENTION_MASK = 'attention_mask'
export const OUTPUT_IDS = 'output_ids'
export const HIDDEN_STATES = 'hidden_states'
/** The most ids of a row, where that is an input. */
export const MAX_LENGTH = 'max_length'

const LOOP = 'decoding'
const ONCE = `${LOOP}/once`
/** Batch and length of the sources: its two outputs. */
export const SIZE = 'source_size'
const { float32: FLOAT, int32: INT, bool: BOOL } = TYPES

export interface DecodingGraph extends NodeGraph {
  /** Names of the tensors that it reads. */
  variables: string[]
}

export interface DecodingOptions {
  /** The most ids of a row; by default an input of the graph. */
  maxLength?: number
  /** Returns nodes that give the value of each of these tensors as `NAME/read`. */
  reading(names: string[]): Node[]
}

/**
 * Returns the whole graph, for any batch and length: `source_ids` and `attention_mask` [batch, length], the mask 1 at
 * tokens and 0 at padding → `hidden_states` [batch, prompt + length, d], and `output_ids` [batch, steps], decoded
 * greedily until every row has ended or has the most ids allowed.
 */
export function decodingGraph(
  library: Library,
  served: Served,
  { maxLength, reading }: DecodingOptions,
): DecodingGraph {
  const past = 'size/past'
  const encoder = freeEncoder(library, served)
  const decoder = withFreeSizes({
    ...inStack(served, 'decoder', 'last'),
    names: [BATCH, LENGTH, past],
    capture: (sizes) => decoderPiece(library, served, sizes),
  })
  const variables = new Set([...encoder.nodes, ...decoder.nodes].flatMap(readsOf))
  const nodes = [
    ...reading([...variables]),
    ...(maxLength === undefined ? [limit()] : []),
    ...sourceNodes(),
    ...encoderNodes(encoder),
    identity(HIDDEN_STATES, encoded(HIDDEN_STATES), FLOAT),
    ...memorySize(),
    ...decoding(decoder.nodes, served, maxLength, { batch: BATCH, length: LENGTH, past }),
  ]
  return { nodes, versions: encoder.versions, variables: [...variables] }
}

const [BATCH, LENGTH] = ['size/batch', 'size/length'] as const

/** What `withFreeSizes` needs to know of a piece of that stack. */
export const inStack = ({ config, shapes }: Served, stack: Stack, queries: Queries) => ({
  positional: [causalMask, buckets(queries, positionBuckets(config, stack))],
  dimensions: [...shapes.values()].flat(),
})

/** Returns the encoder for any batch and length. */
export const freeEncoder = (library: Library, served: Served): NodeGraph =>
  withFreeSizes({
    ...inStack(served, 'encoder', 'every'),
    names: [BATCH, LENGTH],
    capture: (sizes) => encoderPiece(library, served, sizes),
  })

/** Places the encoder so that it reads `sourceNodes`. */
export function encoderNodes({ nodes }: NodeGraph): Node[] {
  const outside = new Map([
    [SOURCE_IDS, SOURCE_IDS],
    [ATTENTION_MASK, ATTENTION_MASK],
    [BATCH, SIZE],
    [LENGTH, `${SIZE}:1`],
  ])
  return placed(nodes, 'encoder', (name) => outside.get(name))
}

/** Batch, heads, queries and positions of the encoder's output, as four outputs of `memory_size`. */
export const memorySize = (): Node[] => [
  shapeOf('memory_shape', encoded('mask'), FLOAT),
  unpack('memory_size', 'memory_shape', 4),
]

/** Returns an output of the encoder. */
export const encoded = (name: string) => `encoder/${outputName(name)}`
const decoded = (name: string) => `${LOOP}/step/${outputName(name)}`

const limit = (): Node =>
  node('Placeholder', MAX_LENGTH, [], { dtype: attribute.type(INT), shape: attribute.shape([]) })

/** Sources, and their batch and length. */
export const sourceNodes = (): Node[] => [
  ...[SOURCE_IDS, ATTENTION_MASK].map((name) =>
    node('Placeholder', name, [], { dtype: attribute.type(INT), shape: attribute.shape([-1, -1]) }),
  ),
  shapeOf('source_shape', SOURCE_IDS, INT),
  unpack(SIZE, 'source_shape', 2),
]

function decoding(
  piece: Node[],
  served: Served,
  maxLength: number | undefined,
  sizes: Record<'batch' | 'length' | 'past', string>,
): Node[] {
  const { typeOf = () => 'float32' } = served
  const config = withDecoder(served.config)
  const layers = Array.from({ length: config.decoderLayers }, (_, layer) => layer)
  const pasts = layers.flatMap((layer) => Object.values(pastNames(layer)))
  const memories = layers.flatMap((layer) => Object.values(memoryNames(layer)))
  const loop = new Loop(LOOP, [
    { name: 'step', type: INT, start: 'start/step' },
    { name: 'ids', type: INT, start: 'start/ids' },
    { name: 'ended', type: BOOL, start: 'start/ended' },
    { name: 'output_ids', type: INT, start: 'start/output_ids' },
    ...pasts.map((name) => ({ name, type: FLOAT, start: 'start/past' })),
  ])
  const { before, inside, isBefore } = divided(piece)
  const fromEncoder = new Set([...memories, 'mask'])
  const outside = (name: string): string | undefined => {
    if (name === sizes.batch) return loop.invariant(SIZE, INT)
    if (name === sizes.length) return loop.invariant('memory_size:3', INT)
    if (name === sizes.past) return loop.current('step')
    if (name === 'ids' || pasts.includes(name)) return loop.current(name)
    if (fromEncoder.has(name)) return loop.invariant(encoded(name), FLOAT)
    if (isBefore(name)) return loop.invariant(`${ONCE}/${name}`, FLOAT)
    return name.endsWith(READ) ? loop.invariant(name, TYPES[typeOf(name.slice(0, -READ.length))]) : undefined
  }
  const step = placed(inside, `${LOOP}/step`, outside, loop.inBody)
  const chosen = choice(loop, config)
  for (const name of pasts) loop.next(name, decoded(name))
  return [
    ...startNodes(config),
    ...placed(before, ONCE, () => undefined),
    ...step,
    ...chosen,
    ...condition(loop, maxLength),
    ...loop.nodes,
    identity(OUTPUT_IDS, loop.last('output_ids'), INT),
  ]
}

/** The state before the first step: the start token in every row, no row ended, nothing decoded, no past. */
const startNodes = ({ heads, dKv, decoderStartId }: Seq2SeqConfig): Node[] => [
  ints('start/zero', [0], []),
  ints('start/one', [1], []),
  ints('start/heads', [heads], []),
  ints('start/d_kv', [dKv], []),
  ints('start/step', [0], []),
  ints('start/id', [decoderStartId], []),
  constant('start/false', BOOL, attribute.truth(false)),
  pack('start/rows', [SIZE]),
  pack('start/ids_shape', [SIZE, 'start/one']),
  pack('start/output_shape', [SIZE, 'start/zero']),
  pack('start/past_shape', [SIZE, 'start/heads', 'start/zero', 'start/d_kv']),
  fill('start/ids', 'start/ids_shape', 'start/id', INT),
  fill('start/ended', 'start/rows', 'start/false', BOOL),
  fill('start/output_ids', 'start/output_shape', 'start/zero', INT),
  node('Cast', 'start/nothing', ['start/zero'], { SrcT: attribute.type(INT), DstT: attribute.type(FLOAT) }),
  fill('start/past', 'start/past_shape', 'start/nothing', FLOAT),
]

/** True while there are steps left and a row that has not ended. */
function condition(loop: Loop, maxLength: number | undefined): Node[] {
  const at = (name: string) => `${LOOP}/condition/${name}`
  const limit = maxLength === undefined ? loop.invariant(MAX_LENGTH, INT) : at('limit')
  loop.while(at('both'))
  return [
    ...(maxLength === undefined ? [] : [within(ints(at('limit'), [maxLength], []), loop.inCondition)]),
    within(ints(at('axis'), [0]), loop.inCondition),
    node('Less', at('steps_left'), [loop.merged('step'), limit], { T: attribute.type(INT) }),
    node('All', at('all_ended'), [loop.merged('ended'), at('axis')], {
      Tidx: attribute.type(INT),
      keep_dims: attribute.bool(false),
    }),
    node('LogicalNot', at('not_all'), [at('all_ended')]),
    node('LogicalAnd', at('both'), [at('steps_left'), at('not_all')]),
  ]
}

/** Appends the chosen ids, or padding where a row has ended; a row ends with </s>. */
function choice(loop: Loop, { padId, eosId }: Seq2SeqConfig): Node[] {
  const at = (name: string) => `${LOOP}/choice/${name}`
  const int = { T: attribute.type(INT) }
  const nodes = [
    within(ints(at('pad'), [padId], []), loop.inBody),
    within(ints(at('eos'), [eosId], []), loop.inBody),
    within(ints(at('one'), [1], []), loop.inBody),
    node('SelectV2', at('ids'), [loop.current('ended'), at('pad'), decoded('chosen')], int),
    node('Equal', at('ends'), [decoded('chosen'), at('eos')], {
      ...int,
      incompatible_shape_error: attribute.bool(true),
    }),
    node('LogicalOr', at('ended'), [loop.current('ended'), at('ends')]),
    node('ExpandDims', at('column'), [at('ids'), at('one')], { ...int, Tdim: attribute.type(INT) }),
    node('ConcatV2', at('output_ids'), [loop.current('output_ids'), at('column'), at('one')], {
      ...int,
      N: attribute.int(2),
      Tidx: attribute.type(INT),
    }),
    node('AddV2', at('step'), [loop.current('step'), at('one')], int),
  ]
  for (const [name, output] of [
    ['step', 'step'],
    ['ids', 'column'],
    ['ended', 'ended'],
    ['output_ids', 'output_ids'],
  ] as const)
    loop.next(name, at(output))
  return nodes
}
