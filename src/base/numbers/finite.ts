import { UserError } from '../error.js'

/** The bits of a float32's exponent. All of them are set in NaN and in the infinities, and in no other value. */
const EXPONENT = 0x7f800000

/**
 * Returns the index of the first value that is NaN or infinite; -1 where all are finite. It compares bits, eight values
 * at a time: the 223 million of a T5-base take 0.2 s, and 2.5 s with `findIndex`.
 */
export function firstNotFinite(values: Float32Array): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length)
  const last = bits.length - 8
  let i = 0
  while (i <= last && eightFinite(bits, i)) i += 8
  while (i < bits.length && (bits[i]! & EXPONENT) !== EXPONENT) i++
  return i < bits.length ? i : -1
}

const eightFinite = (bits: Int32Array, i: number): boolean =>
  (bits[i]! & EXPONENT) !== EXPONENT &&
  (bits[i + 1]! & EXPONENT) !== EXPONENT &&
  (bits[i + 2]! & EXPONENT) !== EXPONENT &&
  (bits[i + 3]! & EXPONENT) !== EXPONENT &&
  (bits[i + 4]! & EXPONENT) !== EXPONENT &&
  (bits[i + 5]! & EXPONENT) !== EXPONENT &&
  (bits[i + 6]! & EXPONENT) !== EXPONENT &&
  (bits[i + 7]! & EXPONENT) !== EXPONENT

/**
 * Returns the values of a tensor, checked: a model with one NaN makes every output NaN, so its scores mean nothing.
 * @throws UserError naming file, tensor, and value and place of the first that is NaN or infinite.
 */
export function checkFinite(
  values: Float32Array,
  shape: readonly number[],
  { path, name }: { path: string; name: string },
): Float32Array {
  const index = firstNotFinite(values)
  if (index === -1) return values
  const wrong = values.reduce((count, value) => (Number.isFinite(value) ? count : count + 1), 0)
  const place = shape.length > 1 ? `${index}, at [${placeOf(index, shape).join(', ')}]` : index
  throw new UserError({
    at: path,
    problem:
      `tensor ${name} holds ${values[index]} as its element ${place}; ${wrong} of ${values.length} are ` +
      'NaN or infinite.',
    remedy:
      'Take an undamaged copy. If it was converted to float16, values beyond 65504 became infinite: convert it ' +
      'to float32 instead.',
  })
}

/** Returns the indices of a tensor's element, row-major. */
function placeOf(index: number, shape: readonly number[]): number[] {
  const place: number[] = []
  for (const size of [...shape].reverse()) {
    place.unshift(index % size)
    index = Math.floor(index / size)
  }
  return place
}
