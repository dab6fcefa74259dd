import { elements } from '../../src/base/safetensors/safetensors.js'

/** Centre and width of the uniform values of one kind of tensor. */
type Spread = [centre: number, scale: number]

/** The weights that test/oracle/t5_small.py makes, from the tensor's number and the element's: none is stored. */
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
export function spreadOf(name: string, spreads: Record<string, Spread>): Spread {
  const kind = Object.keys(spreads).find((kind) => new RegExp(`(^|[._])${kind}\\.weight$`).test(name))
  return spreads[kind ?? 'new tensors']!
}
