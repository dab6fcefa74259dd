import { assertNever } from '../base/assert_never.js'
import { hashSeed, normalArray, torchUniform, uniformArray } from '../base/numbers/random.js'
import type { ParameterSpec } from './method.js'

/**
 * Returns a tensor's starting values. Those from the seed are the same for the same (seed, name), whatever else is
 * trained. `backbone` reads a tensor of the backbone.
 */
export function startValues(
  { name, shape, start }: ParameterSpec,
  seed: number,
  backbone: (name: string) => Float32Array,
): Float32Array {
  const length = shape.reduce((product, size) => product * size, 1)
  const stream = hashSeed(seed, name)
  switch (start.kind) {
    case 'zeros':
      return new Float32Array(length)
    case 'ones':
      return new Float32Array(length).fill(1)
    case 'filled':
      return new Float32Array(length).fill(start.value)
    case 'normal':
      return normalArray(length, stream, start.std)
    case 'uniform':
      return uniformArray(length, stream, -start.bound, start.bound)
    case 'torch_uniform':
      return torchUniform(length, start.seed, start.after, -start.bound, start.bound)
    case 'xavier_uniform': {
      const bound = xavierBound(start.gain, shape.slice(-2))
      return uniformArray(length, stream, -bound, bound)
    }
    case 'xavier_normal':
      return normalArray(length, stream, Math.sqrt(xavierVariance(start.gain, shape.slice(-2))))
    case 'backbone':
      return backbone(name).subarray(0, length)
    case 'row_norms':
      return rowNorms(backbone(start.of), length, start.columns)
    case 'first_rows':
      return backbone(start.of).subarray(0, length)
    default:
      return assertNever(start, 'start')
  }
}

/** Returns the Euclidean lengths of the first rows of a matrix. */
function rowNorms(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => {
    const squares = values.subarray(row * columns, (row + 1) * columns).reduce((sum, value) => sum + value ** 2, 0)
    return Math.sqrt(squares)
  })
}

/** Returns a of Xavier's U(−a, a), gain·√(6 / (fan_in + fan_out)), for a matrix [fan_in, fan_out]. */
const xavierBound = (gain: number, fans: readonly number[]): number =>
  gain * Math.sqrt(6 / fans.reduce((sum, fan) => sum + fan))

/** Returns the variance of entries that start so. */
export const xavierVariance = (gain: number, fans: readonly number[]): number => xavierBound(gain, fans) ** 2 / 3
