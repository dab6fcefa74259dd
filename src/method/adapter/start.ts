import type { ParameterSpec, Start } from '../method.js'
import type { AdapterOptions } from '../options.js'

/** How a stored matrix may start, whichever projection it is of. */
interface MatrixStart {
  start: 'normal' | 'xavier_uniform' | 'xavier_normal'
  start_std: number
}

/** Xavier's gain in the released code. */
export const XAVIER_GAIN = Math.SQRT2

/** Returns the start of a matrix, or of each of a pile. */
export const matrixStart = ({ start, start_std }: MatrixStart): Start =>
  start === 'normal' ? { kind: 'normal', std: start_std } : { kind: start, gain: XAVIER_GAIN }

/** Returns the matrix [in, out] of a projection, or its factors s [in, r] and t [r, out], with their start. */
export function adapterMatrices(options: AdapterOptions, projection: Projection): ParameterSpec[] {
  const { name, inputs, outputs } = projection
  const { factors, rank, start, start_std } = options
  const shapes: [string, number[]][] =
    factors === 'dense'
      ? [['weight', [inputs, outputs]]]
      : [
          ['s', [inputs, rank]],
          ['t', [rank, outputs]],
        ]
  const last = shapes.length - 1
  const released = factors === 'dense' ? 'normal' : 'xavier_uniform'
  return shapes.map(([part, shape], i) => ({
    name: `${name}.${part}`,
    shape,
    start:
      start === 'lora'
        ? loraStart(shape[0]!, name.endsWith('.up') && i === last)
        : matrixStart({ start: start === 'auto' ? released : start, start_std }),
  }))
}

interface Projection {
  name: string
  inputs: number
  outputs: number
}

/** As the code of arXiv 2110.04366 and LoRA start: Kaiming-uniform with a = √5, or zeros, where `zero` says so. */
const loraStart = (fanIn: number, zero: boolean): Start =>
  zero ? { kind: 'zeros' } : { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) }
