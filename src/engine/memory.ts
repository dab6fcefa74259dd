import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

/** Bytes that the system can still give. Linux counts in what it would give back from its caches. */
export function systemAvailable(): number {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
    return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024
  } catch {
    return freemem()
  }
}
