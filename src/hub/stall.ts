/** A connection that brings less than so many bytes in each while is as good as none; a modem brings a hundred times that. */
export const LEAST_BYTES = 4096
export const WHILE_MS = 60_000

export interface StallTimer {
  received(bytes: number): void
  stop(): void
}

/** Calls `onStall`, with what to say, at the end of the first while in which too little came. */
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
