import { expect } from 'vitest'

export interface Tolerance {
  /** Largest difference, relative to the largest expected magnitude of the tensor. */
  relative: number
  /** Named in a failure. */
  name: string
  /** What magnitudes are measured against at least: 0 unless a tensor is all rounding. */
  floor?: number
}

/** Compares two tensors; a failure names the tensor, the index, both values and the difference. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance): void {
  const { relative, name, floor = 0 } = tolerance
  expect(actual.length, `elements of ${name}`).toBe(expected.length)
  let scale = floor
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!))
  let worst = -1
  let distance = relative * scale
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!)
    if (!(difference <= distance)) {
      worst = i
      distance = difference
    }
  }
  if (worst < 0) return
  const message =
    `${name}[${worst}] is ${actual[worst]}, expected ${expected[worst]}: off by ` +
    `${distance / scale} of ${scale}, allowed ${relative}`
  expect.fail(message)
}
