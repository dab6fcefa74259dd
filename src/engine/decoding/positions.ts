import type { PositionBuckets } from '../../backbone/encoder_decoder.js'
import { TYPES } from '../graph/tensor.js'
import { attribute, floats, ints, type Node, node, readFloats, readInts } from './node.js'

/** A kind of constant that depends on one number, such as that of keys, and how a graph makes it for any. */
export interface Positional {
  /** Returns the number that a constant, an AttrValue, is for; undefined where it is of another kind. */
  count(constant: Uint8Array): number | undefined
  /** Returns the constant as the operation `name`; `count` is the operation that gives the number. */
  nodes(name: string, count: string): Node[]
}

/** Queries of an attention: as many as keys, or the last position alone. */
export type Queries = 'every' | 'last'

const INT = attribute.type(TYPES.int32)
const FLOAT = attribute.type(TYPES.float32)

/** Buckets of the relative positions of any number of keys, one after the other. */
export const buckets = (queries: Queries, { bucket, furthest }: PositionBuckets): Positional => ({
  count(constant) {
    const { values } = readInts(constant) ?? {}
    const keys = queries === 'every' ? Math.sqrt(values?.length ?? 0) : values?.length
    if (!values || !keys || !Number.isInteger(keys)) return undefined
    const from = queries === 'every' ? 0 : keys - 1
    return values.every((value, i) => value === bucket((i % keys) - Math.floor(i / keys) - from)) ? keys : undefined
  },
  nodes(name, keys) {
    const at = (part: string) => `${name}/${part}`
    const row = { T: INT, Tshape: INT }
    const table = Array.from({ length: 2 * furthest + 1 }, (_, i) => bucket(i - furthest))
    return [
      ...positionNodes(at, keys),
      ints(at('column'), [-1, 1]),
      ints(at('flat'), [-1]),
      ...(queries === 'every'
        ? [node('Reshape', at('queries'), [at('positions'), at('column')], row)]
        : [node('Sub', at('queries'), [keys, at('one')], { T: INT })]),
      node('Sub', at('differences'), [at('positions'), at('queries')], { T: INT }),
      node('Reshape', at('relative'), [at('differences'), at('flat')], row),
      ...lookedUp(name, at('relative'), ints(at('table'), table), furthest),
    ]
  },
})

/** `positions`: 0, 1, … as many as the operation `count` gives. */
export const positionNodes = (at: (part: string) => string, count: string): Node[] => [
  ints(at('zero'), [0], []),
  ints(at('one'), [1], []),
  node('Range', at('positions'), [at('zero'), count, at('one')], { Tidx: INT }),
]

/**
 * The operation `name`: what `table` holds for each distance, of which those beyond the furthest share its value. Reads
 * `zero` of `positionNodes`.
 */
export function lookedUp(name: string, distances: string, table: Node, furthest: number): Node[] {
  const at = (part: string) => `${name}/${part}`
  return [
    table,
    ints(at('furthest'), [furthest], []),
    ints(at('furthest_back'), [-furthest], []),
    node('Maximum', at('not_too_far_back'), [distances, at('furthest_back')], { T: INT }),
    node('Minimum', at('near'), [at('not_too_far_back'), at('furthest')], { T: INT }),
    node('AddV2', at('index'), [at('near'), at('furthest')], { T: INT }),
    node('GatherV2', name, [table.name, at('index'), at('zero')], {
      Tparams: table.attributes.get('dtype')!,
      Tindices: INT,
      Taxis: INT,
      batch_dims: attribute.int(0),
    }),
  ]
}

/** What a causal mask adds to the score of a key that comes later. */
const HIDDEN = Math.fround(-1e9)

/** The causal mask [1, 1, keys, keys] of any keys: 0 where a query may look, −1e9 where the key comes later. */
export const causalMask: Positional = {
  count(constant) {
    const { shape = [], values } = readFloats(constant) ?? {}
    const [ones, alsoOnes, queries, keys] = shape
    if (!values || shape.length !== 4 || ones !== 1 || alsoOnes !== 1 || queries !== keys) return undefined
    const isMask = values.every((value, i) => value === (i % keys! > Math.floor(i / keys!) ? HIDDEN : 0))
    return isMask ? keys : undefined
  },
  nodes(name, keys) {
    const at = (part: string) => `${name}/${part}`
    return [
      ...positionNodes(at, keys),
      ints(at('column'), [1, 1, -1, 1]),
      floats(at('hidden'), [HIDDEN], []),
      floats(at('seen'), [0], []),
      node('Reshape', at('queries'), [at('positions'), at('column')], { T: INT, Tshape: INT }),
      node('Greater', at('later'), [at('positions'), at('queries')], { T: INT }),
      node('SelectV2', name, [at('later'), at('hidden'), at('seen')], { T: FLOAT }),
    ]
  },
}
