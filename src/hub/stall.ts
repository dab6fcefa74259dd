/**
 * A connection that brings fewer bytes than this in each period counts as broken; a modem brings a hundred times as
 * many.
 */
export const LEAST_BYTES = 4096
const WHILE_MS = 60_000

export interface StallTimer {
  received(bytes: number): void
  stop(): void
}

/** Calls `onStall` with a description at the end of the first period in which too little arrived. */
export function stallTimer(onStall: (problem: string) => void, milliseconds = WHILE_MS): StallTimer {
  let bytes = 0
  const timer = setInterval(() => {
    if (bytes < LEAST_BYTES) {
      clearInterval(timer)
      onStall(bytes === 0 ? `silent for ${milliseconds / 1000} s` : `only ${bytes} bytes in ${milliseconds / 1000} s`)
    }
    bytes = 0
  }, milliseconds)
  return {
    received(count) {
      bytes += count
    },
    stop: () => clearInterval(timer),
  }
}
