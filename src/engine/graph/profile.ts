import { fields } from './protobuf.js'

/** One kernel of a traced run. */
export interface KernelTime {
  /** Name of the operation in the graph. */
  node: string
  /** Time of the kernel itself, in µs. */
  micros: number
}

/** RunOptions (tensorflow/core/protobuf/config.proto) that ask for a trace of every kernel. */
export const TRACED_RUN = Uint8Array.of(1 << 3, 3)

/** Returns the kernels in a serialised RunMetadata: step_stats → dev_stats → node_stats. */
export function kernelTimes(metadata: Uint8Array): KernelTime[] {
  return submessages(metadata, 1)
    .flatMap((stepStats) => submessages(stepStats, 1))
    .flatMap((deviceStats) => submessages(deviceStats, 2))
    .map((nodeStats) => {
      const found = new Map(fields(nodeStats))
      const number = (field: number) => Number(found.get(field) ?? 0)
      const name = found.get(1) as Uint8Array
      return { node: Buffer.from(name).toString(), micros: number(4) - number(3) }
    })
}

const submessages = (bytes: Uint8Array, field: number): Uint8Array[] =>
  [...fields(bytes)].flatMap(([key, value]) => (key === field && value instanceof Uint8Array ? [value] : []))
