import type { LengthConstant } from '../../backbone/encoder.js'
import { assertNever } from '../../base/assert_never.js'
import { TYPES } from '../graph/tensor.js'
import { attribute, floats, ints, node, readFloats, readInts } from './node.js'
import { lookedUp, type Positional, positionNodes } from './positions.js'

/** How a graph makes a constant of a forward pass for rows of any length. */
export function positional(constant: LengthConstant): Positional {
  switch (constant.kind) {
    case 'list':
      return list(constant)
    case 'pairs':
      return pairs(constant)
    case 'angles':
      return angles(constant)
    default:
      return assertNever(constant, 'constant')
  }
}

type Of<Kind> = Extract<LengthConstant, { kind: Kind }>

const list = ({ perToken, start, step, value, furthest }: Of<'list'>): Positional => ({
  count(constant) {
    const { values, shape = [] } = readInts(constant) ?? {}
    const length = (values?.length ?? 0) / perToken
    if (!values || shape.length !== 1 || !Number.isInteger(length)) return undefined
    return values.every((found, at) => found === value(start * length + step * at)) ? length : undefined
  },
  nodes(name, length) {
    const at = (part: string) => `${name}/${part}`
    const int = { T: attribute.type(TYPES.int32) }
    return [
      ints(at('per_token'), [perToken], []),
      ints(at('start'), [start], []),
      ints(at('step'), [step], []),
      node('Mul', at('count'), [length, at('per_token')], int),
      ...positionNodes(at, at('count')),
      node('Mul', at('steps'), [at('positions'), at('step')], int),
      node('Mul', at('from'), [length, at('start')], int),
      node('AddV2', at('relative'), [at('steps'), at('from')], int),
      ...lookedUp(name, at('relative'), ints(at('table'), tableOf(value, furthest)), furthest),
    ]
  },
})

const pairs = ({ value, furthest }: Of<'pairs'>): Positional => ({
  count(constant) {
    const { values, shape = [] } = readFloats(constant) ?? {}
    const length = shape[3]
    if (!values || length === undefined || shape.join() !== `1,1,${length},${length}`) return undefined
    const isOwn = values.every((found, at) => found === Math.fround(value((at % length) - Math.floor(at / length))))
    return isOwn ? length : undefined
  },
  nodes(name, length) {
    const at = (part: string) => `${name}/${part}`
    const int = { T: attribute.type(TYPES.int32) }
    return [
      ...positionNodes(at, length),
      ints(at('column'), [1, 1, -1, 1]),
      node('Reshape', at('queries'), [at('positions'), at('column')], { ...int, Tshape: attribute.type(TYPES.int32) }),
      node('Sub', at('relative'), [at('positions'), at('queries')], int),
      ...lookedUp(name, at('relative'), floats(at('table'), tableOf(value, furthest)), furthest),
    ]
  },
})

const tableOf = (value: (distance: number) => number, furthest: number): number[] =>
  Array.from({ length: 2 * furthest + 1 }, (_, i) => value(i - furthest))

const angles = ({ frequencies, of }: Of<'angles'>): Positional => ({
  count(constant) {
    const { values, shape = [] } = readFloats(constant) ?? {}
    const [length, each] = [shape[2], frequencies.length]
    if (!values || length === undefined || shape.join() !== `1,1,${length},${each}`) return undefined
    const angle = (at: number) => Math.fround(Math.floor(at / each) * frequencies[at % each]!)
    return values.every((found, at) => found === Math.fround(Math[of](angle(at)))) ? length : undefined
  },
  nodes(name, length) {
    const at = (part: string) => `${name}/${part}`
    const [int, float] = [attribute.type(TYPES.int32), attribute.type(TYPES.float32)]
    return [
      ...positionNodes(at, length),
      ints(at('column'), [1, 1, -1, 1]),
      floats(at('frequencies'), frequencies),
      node('Cast', at('floats'), [at('positions')], { SrcT: int, DstT: float, Truncate: attribute.bool(false) }),
      node('Reshape', at('rows'), [at('floats'), at('column')], { T: float, Tshape: int }),
      node('Mul', at('angles'), [at('rows'), at('frequencies')], { T: float }),
      node(of === 'cos' ? 'Cos' : 'Sin', name, [at('angles')], { T: float }),
    ]
  },
})
