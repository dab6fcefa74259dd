import { TYPES } from '../graph/tensor.js'
import { attribute, ints, type Node, type NodeGraph, node, readInts, readShape } from './node.js'
import { interpolated, isFixed, type Polynomial, SizeArithmetic, valueAt } from './polynomial.js'
import type { Positional } from './positions.js'

export interface FreeSizesOptions {
  /** The operations that will give the sizes in the graph, such as that of the batch. */
  names: string[]
  /** Returns a graph of these sizes, in that order. */
  capture(sizes: number[]): NodeGraph
  /** Constants that the model makes of positions. */
  positional: readonly Positional[]
  /** Dimensions of the model's tensors, for which no size may be mistaken. */
  dimensions: Iterable<number>
}

/**
 * Returns one graph for all sizes. tfjs knows every size when it records, and writes it into constants: the shapes of
 * reshapes and fills. So the graph is captured at two values of each size; differences are written as a polynomial of
 * the sizes, and a last capture, at other sizes, has to agree with it.
 * @throws Error where a graph depends on its sizes in another way.
 */
export function withFreeSizes(options: FreeSizesOptions): NodeGraph {
  const { names, capture } = options
  const primes = telling(names.length * 3, options.dimensions)
  const box = names.map((_, i): [number, number] => [primes[3 * i]!, primes[3 * i + 1]!])
  const check = names.map((_, i) => primes[3 * i + 2]!)
  const corners = Array.from({ length: 1 << names.length }, (_, m) =>
    capture(box.map(([low, high], i) => (m & (1 << i) ? high : low))),
  )
  const arithmetic = new SizeArithmetic(names)
  const fitter: Fitter = { ...options, box, check, arithmetic, reshapesOnly: reshapesOnly(corners[0]!.nodes) }
  const checked = capture(check)
  const nodes = corners[0]!.nodes.flatMap((_, i) =>
    freed(
      corners.map(({ nodes }) => nodes[i]),
      checked.nodes[i],
      fitter,
    ),
  )
  return { nodes: [...arithmetic.nodes, ...nodes], versions: corners[0]!.versions }
}

/**
 * Returns primes that divide none of the dimensions, so that a size is never mistaken for one; from 17 on, since
 * smaller constants are written differently.
 */
function telling(count: number, dimensions: Iterable<number>): number[] {
  const all = [...new Set(dimensions)]
  const primes: number[] = []
  for (let n = 17; primes.length < count; n += 2) {
    const isPrime = Array.from({ length: n }, (_, i) => i).every((i) => i < 2 || n % i !== 0)
    if (isPrime && all.every((dimension) => dimension % n !== 0)) primes.push(n)
  }
  return primes
}

interface Fitter extends FreeSizesOptions {
  box: [number, number][]
  check: number[]
  arithmetic: SizeArithmetic
  reshapesOnly: Set<string>
}

/** Returns one operation for all sizes, given the same operation at every corner and at the check. */
function freed(corners: (Node | undefined)[], checked: Node | undefined, fitter: Fitter): Node[] {
  const [first, ...others] = corners as Node[]
  const all = [...others, checked!]
  const same = all.every(
    (other) => other?.name === first!.name && other.op === first!.op && String(other.inputs) === String(first!.inputs),
  )
  if (!same) throw new Error(`the graph has another structure at other sizes, at ${first!.op} ${first!.name}`)
  const differing = [...first!.attributes].filter(([key, value]) =>
    all.some((other) => !Buffer.from(value).equals(other.attributes.get(key)!)),
  )
  if (differing.length === 0) return [first!]
  if (differing.every(([key]) => key === 'shape') && first!.op === 'Placeholder') return [freePlaceholder(first!, all)]
  if (differing.every(([key]) => key === 'value') && first!.op === 'Const')
    return freeConstant(first!.name, corners as Node[], checked!, fitter)
  throw new Error(`${first!.op} ${first!.name} depends on a size in ${differing.map(([key]) => key)}`)
}

function freePlaceholder(first: Node, others: Node[]): Node {
  const shapes = others.map(({ attributes }) => readShape(attributes.get('shape')!))
  const free = readShape(first.attributes.get('shape')!).map((size, i) =>
    shapes.every((shape) => shape[i] === size) ? size : -1,
  )
  return { ...first, attributes: new Map([...first.attributes, ['shape', attribute.shape(free)]]) }
}

function freeConstant(name: string, corners: Node[], checked: Node, fitter: Fitter): Node[] {
  for (const kind of fitter.positional) {
    const counts = [...corners, checked].map(({ attributes }) => kind.count(attributes.get('value')!))
    if (counts.every((count) => count !== undefined)) return freePositional(name, counts, kind, fitter)
  }
  const read = ({ attributes }: Node) => readInts(attributes.get('value')!) ?? depends(name)
  const [tensors, last] = [corners.map(read), read(checked)]
  const { shape } = last
  if (tensors.some((tensor) => String(tensor.shape) !== String(shape))) depends(name)
  const polynomials = Array.from(last.values, (value, i) =>
    fitted(
      name,
      tensors.map(({ values }) => values[i]!),
      value,
      fitter,
    ),
  )
  const unknown = polynomials.map((polynomial) => (isFixed(polynomial) ? polynomial[0]! : -1))
  if (fitter.reshapesOnly.has(name) && unknown.filter((size) => size === -1).length === 1) return [ints(name, unknown)]
  const elements = polynomials.map((polynomial) => fitter.arithmetic.value(polynomial))
  const T = attribute.type(TYPES.int32)
  if (shape.length === 0) return [node('Identity', name, elements, { T })]
  if (shape.length > 1) depends(name)
  return [node('Pack', name, elements, { T, N: attribute.int(elements.length), axis: attribute.int(0) })]
}

/** Returns a constant of any number of positions, given the numbers at every corner and at the check. */
function freePositional(name: string, counts: number[], kind: Positional, fitter: Fitter): Node[] {
  const count = fitted(name, counts.slice(0, -1), counts.at(-1)!, fitter)
  return kind.nodes(name, fitter.arithmetic.value(count))
}

function fitted(name: string, values: number[], checked: number, { box, check }: Fitter): Polynomial {
  const polynomial = interpolated(values, box)
  return polynomial && valueAt(polynomial, check) === checked ? polynomial : depends(name)
}

function depends(name: string): never {
  throw new Error(`the constant ${name} depends on the sizes in a way that is not known`)
}

/** Returns the constants that are only new shapes of reshapes: there one unknown dimension may be −1. */
function reshapesOnly(nodes: Node[]): Set<string> {
  const constants = new Set(nodes.filter(({ op }) => op === 'Const').map(({ name }) => name))
  for (const { op, inputs } of nodes)
    for (const [i, input] of inputs.entries()) if (op !== 'Reshape' || i !== 1) constants.delete(input)
  return constants
}
