/**
 * The bits of the float32 that equals each float16 (IEEE 754 binary16), indexed by its bits: 256 KiB, built when first
 * needed.
 */
let f16Bits: Uint32Array | undefined

function buildF16Bits(): Uint32Array {
  const table = new Uint32Array(65536)
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16
    const exponent = (half >> 10) & 0x1f
    const fraction = half & 0x3ff
    table[half] = sign | magnitudeBits(exponent, fraction)
  }
  return table
}

function magnitudeBits(exponent: number, fraction: number): number {
  if (exponent === 0x1f) return 0x7f800000 | (fraction << 13) // infinity, or NaN with its payload
  if (exponent > 0) return ((exponent + 112) << 23) | (fraction << 13)
  if (fraction === 0) return 0
  const shift = Math.clz32(fraction) - 21 // a subnormal half is a normal float32: bring its first one to the hidden bit
  return ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)
}

/** Converts exactly. Writes bits, not numbers, so that a NaN keeps its payload. */
export function f16ToFloat32(halves: Uint16Array, into: Float32Array, offset = 0): void {
  f16Bits ??= buildF16Bits()
  const table = f16Bits
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
  for (let i = 0; i < halves.length; i++) bits[offset + i] = table[halves[i]!]!
}

/** Converts exactly: a bfloat16 is the upper half of a float32. */
export function bf16ToFloat32(halves: Uint16Array, into: Float32Array, offset = 0): void {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
  for (let i = 0; i < halves.length; i++) bits[offset + i] = halves[i]! << 16
}
