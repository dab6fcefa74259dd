import { expect, test } from 'vitest'
import { relativeBucket } from '../../../src/backbone/t5/position.js'
import { withFreeSizes } from '../../../src/engine/decoding/free_sizes.js'
import {
  attribute,
  ints,
  type Node,
  node,
  readGraph,
  readInts,
  readShape,
  writeGraph,
} from '../../../src/engine/decoding/node.js'
import { interpolated, valueAt } from '../../../src/engine/decoding/polynomial.js'
import { buckets } from '../../../src/engine/decoding/positions.js'
import { TYPES } from '../../../src/engine/graph/tensor.js'

const int = attribute.type(TYPES.int32)

/** The graph of a fake capture, made free of its two sizes. */
const freed = (nodes: (batch: number, length: number) => Node[], dimensions: number[] = []) => {
  const seen: number[] = []
  const graph = withFreeSizes({
    names: ['batch', 'length'],
    capture: ([batch, length]) => {
      seen.push(batch!, length!)
      return { nodes: nodes(batch!, length!), versions: new Uint8Array() }
    },
    positional: [buckets('every', { bucket: (relative) => relativeBucket(relative, true, 8, 20), furthest: 20 })],
    dimensions,
  })
  return { nodes: graph.nodes, seen }
}

const source = (batch: number, length: number) =>
  node('Placeholder', 'source', [], { dtype: int, shape: attribute.shape([batch, length, 5]) })

test('a polynomial is found from its values at the corners, and none where coefficients are not whole numbers', () => {
  const f = (x: number, y: number) => 7 - 2 * x + 3 * x * y
  const box: [number, number][] = [
    [17, 19],
    [23, 29],
  ]
  const found = interpolated([f(17, 23), f(19, 23), f(17, 29), f(19, 29)], box)
  expect(found).toEqual([7, -2, 0, 3])
  expect(valueAt(found!, [4, 6])).toBe(71)
  expect(interpolated([0, 1, 0, 1], box)).toBeUndefined()
})

test('sizes of a capture divide no dimension of the model, are all different and large', () => {
  const { seen } = freed(() => [], [17 * 4, 19, 23 * 2, 1])
  expect(new Set(seen)).toEqual(new Set([29, 31, 37, 41, 43, 47]))
})

test('what depends on sizes is computed from them: inputs, shapes of reshapes, other shapes', () => {
  const { nodes } = freed((batch, length) => [
    source(batch, length),
    ints('flat', [batch * length, 5]),
    node('Reshape', 'rows', ['source', 'flat'], { T: int, Tshape: int }),
    ints('both', [batch, length, 5]),
    node('Fill', 'filled', ['both', 'zero'], { T: int }),
    ints('already', [batch, -1, 5]),
    node('Reshape', 'again', ['source', 'already'], { T: int, Tshape: int }),
  ])
  const find = (name: string) => nodes.find((node) => node.name === name)!
  expect(readShape(find('source').attributes.get('shape')!)).toEqual([-1, -1, 5])
  expect([...readInts(find('flat').attributes.get('value')!)!.values]).toEqual([-1, 5])
  expect(find('both')).toMatchObject({ op: 'Pack', inputs: ['batch', 'length', find('sizes/0').name] })
  expect([...readInts(find('sizes/0').attributes.get('value')!)!.values]).toEqual([5])
  expect(find('already')).toMatchObject({ op: 'Pack', inputs: ['batch', 'sizes/1', 'sizes/0'] })
})

test('buckets of relative positions are recognised by their values', () => {
  const bucketsOf = (keys: number) =>
    Array.from({ length: keys * keys }, (_, i) => relativeBucket((i % keys) - Math.floor(i / keys), true, 8, 20))
  const { nodes } = freed((_, length) => [ints('buckets', bucketsOf(length + 3))])
  expect(nodes.find(({ name }) => name === 'buckets')!.op).toBe('GatherV2')
  expect(nodes.find(({ name }) => name === 'sizes/1')).toMatchObject({ op: 'AddV2', inputs: ['sizes/0', 'length'] })
})

test.each([
  [
    'another constant',
    (_: number, length: number) => [ints('x', [length ** 2])],
    'the constant x depends on the sizes in a way that is not known',
  ],
  [
    'a constant of another shape',
    (_: number, length: number) => [ints('x', Array(length).fill(7))],
    'the constant x depends on the sizes in a way that is not known',
  ],
  [
    'another structure',
    (_: number, length: number) => [ints(`x${length}`, [1])],
    'the graph has another structure at other sizes, at Const x',
  ],
  [
    'another attribute',
    (batch: number) => [node('Pack', 'x', [], { N: attribute.int(batch) })],
    'Pack x depends on a size in N',
  ],
])('%s is an error', (_, nodes, problem) => {
  expect(() => freed(nodes)).toThrow(problem)
})

test('a graph is read as it was written', () => {
  const nodes = [source(-1, 3), ints('x', [1, -2, 2 ** 31 - 1]), ints('scalar', [-7], [])]
  const versions = Uint8Array.of(8, 1)
  const graph = readGraph(writeGraph({ nodes, versions }))
  expect(graph.nodes.map(({ name, op, inputs }) => ({ name, op, inputs }))).toEqual(
    nodes.map(({ name, op, inputs }) => ({ name, op, inputs })),
  )
  expect(readShape(graph.nodes[0]!.attributes.get('shape')!)).toEqual([-1, 3, 5])
  expect([...readInts(graph.nodes[1]!.attributes.get('value')!)!.values]).toEqual([1, -2, 2147483647])
  expect(readInts(graph.nodes[2]!.attributes.get('value')!)).toEqual({ shape: [], values: Int32Array.of(-7) })
  expect([...graph.versions]).toEqual([8, 1])
})
