import { closeSync, existsSync, fstatSync, readSync } from 'node:fs'
import { openFile } from '../../base/files/read.js'

/** More bytes than two lines of metrics.jsonl have. */
const TAIL_BYTES = 4096

/** Returns the last step in a run's metrics.jsonl, 0 before the first; half-written lines do not count. */
export function lastStep(metrics: string): number {
  if (!existsSync(metrics)) return 0
  const file = openFile(metrics)
  try {
    const { size } = fstatSync(file)
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES))
    readSync(file, tail, 0, tail.length, size - tail.length)
    const steps = [...tail.toString().matchAll(/^\{"step":(\d+),.*\}$/gm)]
    return Number(steps.at(-1)?.[1] ?? 0)
  } finally {
    closeSync(file)
  }
}
