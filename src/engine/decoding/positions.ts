import type { PositionBuckets } from '../../backbone/encoder_decoder.js'
import type { Stack } from '../../backbone/hooks.js'
import { TYPES } from '../graph/tensor.js'
import { attribute, ints, type Node, node } from './node.js'

/**
 * Returns the number of keys that the buckets of relative positions are for; undefined where the values are something
 * else.
 */
export function bucketedKeys(values: Int32Array, stack: Stack, { bucket }: PositionBuckets): number | undefined {
  const keys = stack === 'encoder' ? Math.sqrt(values.length) : values.length
  if (!Number.isInteger(keys)) return undefined
  const from = stack === 'encoder' ? 0 : keys - 1 // the decoder's one query is the last position
  return values.every((value, i) => value === bucket((i % keys) - Math.floor(i / keys) - from)) ? keys : undefined
}

/**
 * The buckets of any number of keys, as the operation `name`: looked up by the distance, which is limited to the
 * largest that has its own bucket. `keys` is the operation that gives their number.
 */
export function bucketNodes(name: string, keys: string, stack: Stack, { bucket, furthest }: PositionBuckets): Node[] {
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
    ...(stack === 'encoder'
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
