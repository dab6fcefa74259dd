import { UserError } from '../../base/error.js'
import { byteSize } from '../../base/text/size.js'
import type { Device } from '../../run/manifest.js'
import { systemAvailable } from '../device/memory.js'

/** The steps of one batch size: the time of one, and the peak memory so far. */
export interface Measured {
  rows: number
  seconds: number
  bytes: number
}

/** The fewest and the most rows that are tried: a larger batch makes rows no faster, and steps fewer. */
const FEWEST = 8
export const MOST_ROWS = 512
/** The share of the available memory that a step may use: evaluations and other programs need some too. */
const SHARE = 0.9

/**
 * Measures batches of doubling size, up to `most` rows, as long as the next one will fit, and then the largest that
 * fits by the last two: a multiple of 8. The last measurement is the largest that fitted.
 * @param available bytes that the process may use
 * @throws UserError where the memory is not enough for the smallest
 */
export async function largestFitting(
  trainRows: number,
  available: () => number,
  measure: (rows: number) => Promise<Measured>,
): Promise<Measured[]> {
  const most = Math.min(MOST_ROWS, trainRows)
  const fits = ({ bytes }: Measured) => bytes <= SHARE * available()
  const measured = [await measure(Math.min(FEWEST, most))]
  if (!fits(measured[0]!)) throw notEnough(measured[0]!)
  for (;;) {
    const last = measured.at(-1)!
    const sizes = between(last.rows, Math.min(2 * last.rows, most))
    const rows = sizes.find((rows) => fits(extrapolated(measured, rows)))
    if (rows === undefined) return measured
    const next = await measure(rows)
    if (!fits(next)) return measured
    measured.push(next)
    if (rows !== sizes[0]) return measured
  }
}

/** Returns `to` itself, then the multiples of 8 down to `from`, which is left out. */
function between(from: number, to: number): number[] {
  const sizes = to > from ? [to] : []
  for (let rows = 8 * Math.ceil(to / 8 - 1); rows > from; rows -= 8) sizes.push(rows)
  return sizes
}

/**
 * Extends a line through the last two measurements; time and memory grow at most like that, since both have a fixed
 * part.
 */
export function extrapolated(measured: Measured[], rows: number): Measured {
  const [before, last] = measured.slice(-2)
  if (before === undefined) return { rows, seconds: 0, bytes: 0 }
  if (last === undefined) return rows === before.rows ? before : scaled(before, rows)
  const share = (rows - last.rows) / (last.rows - before.rows)
  return {
    rows,
    seconds: last.seconds + share * Math.max(0, last.seconds - before.seconds),
    bytes: last.bytes + share * Math.max(0, last.bytes - before.bytes),
  }
}

const scaled = ({ rows: measured, seconds, bytes }: Measured, rows: number): Measured => ({
  rows,
  seconds: (seconds * rows) / measured,
  bytes: bytes + ((rows - measured) / measured) * Math.max(0, bytes - BASE_BYTES),
})

/** The approximate size of Node and TensorFlow themselves. */
const BASE_BYTES = 500e6

/**
 * Returns the bytes that this process may use in all: what it has, and what the system, or its container, can still
 * give.
 */
export function availableMemory(): number {
  const free = process.memoryUsage().rss + systemAvailable()
  const limit = process.constrainedMemory() // 0, or more than there is, without one
  return limit > 0 ? Math.min(limit, free) : free
}

/** Checks that the memory for a step is known. @throws UserError */
export function checkKnowsMemory({ engine, gpu }: Pick<Device, 'engine' | 'gpu'>): void {
  if (engine === 'tensorflow' && !gpu) return
  const where = gpu ?? engine
  throw new UserError({
    at: 'training.batch_size',
    problem: `is auto, and how much memory ${where} has for a step is not known.`,
    remedy: 'Set it to a number of rows.',
  })
}

const notEnough = ({ rows, bytes }: Measured) =>
  new UserError({
    at: 'training.batch_size',
    problem: `is auto, and steps of ${rows} rows take ${byteSize(bytes)} already, nearly all that is free.`,
    remedy: 'Set it to a number of rows, and training.micro_batch_size to fewer.',
  })
