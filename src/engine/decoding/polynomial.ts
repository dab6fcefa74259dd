import { TYPES } from '../graph/tensor.js'
import { attribute, ints, type Node, node } from './node.js'

/** Σ coefficient·Π sizes: the coefficient at index m belongs to the product of the sizes whose bits are set in m. */
export type Polynomial = number[]

/**
 * Returns the polynomial with these values at all corners of a box: the value at index m is for size i = `box[i][1]` if
 * bit i of m is set, otherwise `box[i][0]`. Undefined where a coefficient is not a whole number.
 */
export function interpolated(values: number[], box: [number, number][]): Polynomial | undefined {
  const coefficients = [...values]
  for (const [i, [low, high]] of box.entries()) {
    const bit = 1 << i
    for (let m = 0; m < coefficients.length; m++) {
      if (m & bit) continue
      const slope = (coefficients[m | bit]! - coefficients[m]!) / (high - low)
      coefficients[m]! -= slope * low
      coefficients[m | bit] = slope
    }
  }
  return coefficients.every(Number.isInteger) ? coefficients : undefined
}

export const valueAt = (polynomial: Polynomial, sizes: number[]): number =>
  polynomial.reduce((sum, coefficient, m) => sum + coefficient * product(factors(m, sizes)), 0)

export const isFixed = (polynomial: Polynomial): boolean => polynomial.every((c, m) => m === 0 || c === 0)

const factors = <T>(m: number, of: T[]): T[] => of.filter((_, i) => m & (1 << i))

const product = (sizes: number[]): number => sizes.reduce((product, size) => product * size, 1)

/** Operations that compute whole numbers from sizes known in the graph; equal ones are made once. */
export class SizeArithmetic {
  readonly nodes: Node[] = []
  readonly #sizes: string[]
  readonly #known = new Map<string, string>()

  /** @param sizes the operations that give the sizes */
  constructor(sizes: string[]) {
    this.#sizes = sizes
  }

  /** Returns the operation that gives the polynomial's value, a scalar. */
  value(polynomial: Polynomial): string {
    const terms = polynomial.flatMap((coefficient, m) => {
      if (coefficient === 0) return []
      const parts = factors(m, this.#sizes)
      if (parts.length === 0) return [this.#constant(coefficient)]
      return [this.#chained('Mul', coefficient === 1 ? parts : [...parts, this.#constant(coefficient)])]
    })
    return terms.length === 0 ? this.#constant(0) : this.#chained('AddV2', terms)
  }

  #chained(op: string, terms: string[]): string {
    return terms.reduce((a, b) =>
      this.#once(`${op} ${a} ${b}`, (name) => node(op, name, [a, b], { T: attribute.type(TYPES.int32) })),
    )
  }

  #constant(value: number): string {
    return this.#once(String(value), (name) => ints(name, [value], []))
  }

  #once(key: string, make: (name: string) => Node): string {
    const known = this.#known.get(key)
    if (known) return known
    const name = `sizes/${this.nodes.length}`
    this.nodes.push(make(name))
    this.#known.set(key, name)
    return name
  }
}
