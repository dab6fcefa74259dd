import { type BackboneConfig, backboneShapes } from '../../src/backbone/registry.js'
import { elements } from '../../src/base/safetensors/safetensors.js'
import { gathered, type Layout } from '../../src/engine/model/layout.js'

/** Centre and width of the uniform values of one kind of tensor. */
type Spread = [centre: number, scale: number]

/** The values that test/oracle/generated.py makes, from the tensor's number and the element's: none is stored. */
export function generatedTensor(number: number, shape: number[], [centre, scale]: Spread): Float32Array {
  const key = Math.imul(number + 1, 0x9e3779b9)
  const values = new Float32Array(elements(shape))
  for (let i = 0; i < values.length; i++) values[i] = centre + scale * ((lowbias32(i ^ key) >>> 0) / 2 ** 32 - 0.5)
  return values
}

function lowbias32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}

/** The spread of a backbone tensor by the kind that its name tells. */
function spreadOf(name: string, spreads: Record<string, Spread>): Spread {
  const kind = Object.keys(spreads).find((kind) => new RegExp(`(^|[._])${kind}\\.weight$`).test(name))
  return spreads[kind ?? 'new tensors']!
}

/** What a method adds is numbered from here on, in the order of the names. */
const FIRST_ADDED = 1000

/** The backbone's weights by name, and the trained vector that a model of it starts from. */
export function generatedWeights(config: BackboneConfig, spreads: Record<string, Spread>) {
  const shapes = backboneShapes(config)
  const numbers = new Map([...shapes.keys()].sort().map((name, index) => [name, index]))
  const weight = (name: string): Float32Array =>
    generatedTensor(numbers.get(name)!, shapes.get(name)!, spreadOf(name, spreads))
  const start = (layout: Layout): Float32Array => {
    const added = layout.specs.map(({ name }) => name).filter((name) => !numbers.has(name))
    const position = new Map(added.sort().map((name, index) => [name, FIRST_ADDED + index]))
    return gathered(layout, ({ name, shape }) =>
      position.has(name) ? generatedTensor(position.get(name)!, shape, spreads['new tensors']!) : weight(name),
    )
  }
  return { weight, start }
}
