import type { PositionBuckets } from '../../backbone/encoder_decoder.js'
import { TYPES } from '../graph/tensor.js'
import type { Queries } from './free_sizes.js'
import { attribute, floats, ints, type Node, node, readFloats } from './node.js'

/**
 * Returns the number of keys that the buckets of relative positions are for; undefined where the values are something
 * else.
 */
export function bucketedKeys(values: Int32Array, queries: Queries, { bucket }: PositionBuckets): number | undefined {
  const keys = queries === 'every' ? Math.sqrt(values.length) : values.length
  if (!Number.isInteger(keys)) return undefined
  const from = queries === 'every' ? 0 : keys - 1
  return values.every((value, i) => value === bucket((i % keys) - Math.floor(i / keys) - from)) ? keys : undefined
}

/**
 * The buckets of any number of keys, as the operation `name`: looked up by the distance, which is limited to the
 * largest that has its own bucket. `keys` is the operation that gives their number.
 */
export function bucketNodes(
  name: string,
  keys: string,
  queries: Queries,
  { bucket, furthest }: PositionBuckets,
): Node[] {
  const table = Array.from({ length: 2 * furthest + 1 }, (_, i) => bucket(i - furthest))
  const at = (part: string) => `${name}/${part}`
  const int = { T: attribute.type(TYPES.int32) }
  const row = { ...int, Tshape: attribute.type(TYPES.int32) }
  return [
    ints(at('zero'), [0], []),
    ints(at('one'), [1], []),
    ints(at('furthest'), [furthest], []),
    ints(at('furthest_back'), [-furthest], []),
    ints(at('table'), table),
    ints(at('column'), [-1, 1]),
    ints(at('flat'), [-1]),
    node('Range', at('keys'), [at('zero'), keys, at('one')], { Tidx: attribute.type(TYPES.int32) }),
    ...(queries === 'every'
      ? [node('Reshape', at('queries'), [at('keys'), at('column')], row)]
      : [node('Sub', at('queries'), [keys, at('one')], int)]),
    node('Sub', at('relative'), [at('keys'), at('queries')], int),
    node('Maximum', at('not_too_far_back'), [at('relative'), at('furthest_back')], int),
    node('Minimum', at('near'), [at('not_too_far_back'), at('furthest')], int),
    node('AddV2', at('index'), [at('near'), at('furthest')], int),
    node('Reshape', at('indices'), [at('index'), at('flat')], row),
    node('GatherV2', name, [at('table'), at('indices'), at('zero')], {
      Tparams: attribute.type(TYPES.int32),
      Tindices: attribute.type(TYPES.int32),
      Taxis: attribute.type(TYPES.int32),
      batch_dims: attribute.int(0),
    }),
  ]
}

/**
 * Returns the number of keys whose causal mask [1, 1, keys, keys] a constant is: 0 where a query may look, one other
 * value where the key comes later. Undefined where the constant is something else.
 */
export function causalKeys(constant: Uint8Array): number | undefined {
  const { shape = [], values } = readFloats(constant) ?? {}
  const [ones, alsoOnes, queries, keys] = shape
  if (!values || shape.length !== 4 || ones !== 1 || alsoOnes !== 1 || queries !== keys) return undefined
  const isMask = values.every((value, i) => value === (i % keys! > Math.floor(i / keys!) ? HIDDEN : 0))
  return isMask ? keys : undefined
}

/** What a causal mask adds to the score of a key that comes later. */
const HIDDEN = Math.fround(-1e9)

/** The causal mask [1, 1, keys, keys] of any number of keys; `keys` is the operation that gives it. */
export function causalMaskNodes(name: string, keys: string): Node[] {
  const at = (part: string) => `${name}/${part}`
  const int = { T: attribute.type(TYPES.int32) }
  return [
    ints(at('zero'), [0], []),
    ints(at('one'), [1], []),
    ints(at('column'), [1, 1, -1, 1]),
    floats(at('hidden'), [HIDDEN], []),
    floats(at('seen'), [0], []),
    node('Range', at('keys'), [at('zero'), keys, at('one')], { Tidx: attribute.type(TYPES.int32) }),
    node('Reshape', at('queries'), [at('keys'), at('column')], { ...int, Tshape: attribute.type(TYPES.int32) }),
    node('Greater', at('later'), [at('keys'), at('queries')], int),
    node('SelectV2', name, [at('later'), at('hidden'), at('seen')], { T: attribute.type(TYPES.float32) }),
  ]
}
