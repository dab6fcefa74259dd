import { f16ToFloat32 } from '../../base/numbers/half.js'

/** Returns the decimal with the fewest digits that is the same float32: 3.8, not 3.799999952316284. */
export function shortestFloat32(value: number): number {
  const single = Math.fround(value)
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits))
    if (Math.fround(short) === single) return short
  }
  return single
}

/**
 * Does the same for a float16, given by its bits; a whole number keeps all its digits (65504, though 65500 would do).
 */
export function shortestFloat16(bits: number): number {
  const [value, below, above] = f16Values(bits, bits - 1, bits + 1)
  if (Number.isInteger(value) || !Number.isFinite(value)) return value
  for (let digits = 1; digits < 5; digits++) {
    const short = Number(value.toPrecision(digits))
    const away = Math.abs(short - value)
    if (away < Math.abs(short - below) && away < Math.abs(short - above)) return short
  }
  return Number(value.toPrecision(5))
}

function f16Values(...bits: [number, number, number]): [number, number, number] {
  const values = new Float32Array(3)
  f16ToFloat32(Uint16Array.from(bits), values)
  return [values[0]!, values[1]!, values[2]!]
}
