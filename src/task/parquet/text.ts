import type { TimeUnit } from 'hyparquet'

/** Nanoseconds in each unit of time that parquet has. */
export const NANOS: Record<TimeUnit, bigint> = { MILLIS: 1_000_000n, MICROS: 1000n, NANOS: 1n }

const SECOND = 1_000_000_000n

/** Returns all of a decimal's digits, including the zeros at its end: 1990 with scale 2 is 19.90. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Returns the date of a number of days since 1970-01-01; the number itself where no calendar has such a day. */
export function dateText(days: number): string {
  const date = new Date(days * 86_400_000)
  return Number.isNaN(date.getTime()) ? String(days) : date.toISOString().split('T')[0]!
}

/**
 * Returns a time of day from nanoseconds since midnight: 22:05:06, and 22:05:06.789 where there is a fraction of a
 * second.
 */
export function timeText(nanos: bigint): string {
  const seconds = Number(nanos / SECOND)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':') + fraction(nanos % SECOND, 0)
}

/**
 * Returns a time as ISO 8601 from nanoseconds since 1970: with milliseconds, and with more digits if the time has them.
 * `Z` is added only where the file says that the time is UTC. Returns the number itself where no calendar has such a
 * time.
 */
export function timestampText(nanos: bigint, isUtc: boolean): string {
  const within = ((nanos % SECOND) + SECOND) % SECOND
  const date = new Date(Number((nanos - within) / NANOS.MILLIS))
  if (Number.isNaN(date.getTime())) return String(nanos)
  return `${date.toISOString().split('.')[0]}${fraction(within, 3)}${isUtc ? 'Z' : ''}`
}

/** Returns the fraction of a second in groups of three digits, at least `least` of them: .789, .789012, or nothing. */
function fraction(nanos: bigint, least: number): string {
  const digits = String(nanos)
    .padStart(9, '0')
    .replace(/(000)+$/, '')
    .padEnd(least, '0')
  return digits === '' ? '' : `.${digits}`
}

/**
 * Returns an interval as ISO 8601 (P14M3DT1.500S), from three little-endian numbers of 32 bits: months, days,
 * milliseconds.
 */
export function intervalText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [months, days, millis] = [0, 4, 8].map((at) => view.getUint32(at, true)) as [number, number, number]
  return `P${months}M${days}DT${Math.floor(millis / 1000)}${fraction(BigInt(millis % 1000) * NANOS.MILLIS, 0)}S`
}

/** Returns 8-4-4-4-12 hexadecimal digits. */
export const uuidText = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
