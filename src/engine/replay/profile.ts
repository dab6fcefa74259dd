/** One kernel of a traced run. */
export interface KernelTime {
  /** Name of the operation in the graph. */
  node: string
  /** Time of the kernel itself, in µs. */
  micros: number
}

/** RunOptions (tensorflow/core/protobuf/config.proto) that ask for a trace of every kernel. */
export const TRACED_RUN = Uint8Array.of(1 << 3, 3)

/** The kernels in a serialised RunMetadata: step_stats → dev_stats → node_stats. */
export function kernelTimes(metadata: Uint8Array): KernelTime[] {
  return submessages(metadata, 1)
    .flatMap((stepStats) => submessages(stepStats, 1))
    .flatMap((deviceStats) => submessages(deviceStats, 2))
    .map((nodeStats) => {
      const fields = [...read(nodeStats)]
      const number = (field: number) => Number(fields.find(([key]) => key === field)?.[1] ?? 0)
      const name = fields.find(([key]) => key === 1)?.[1] as Uint8Array
      return { node: Buffer.from(name).toString(), micros: number(4) - number(3) }
    })
}

const submessages = (bytes: Uint8Array, field: number): Uint8Array[] =>
  [...read(bytes)].flatMap(([key, value]) => (key === field && value instanceof Uint8Array ? [value] : []))

/** Fields of a protobuf message: varints as bigint, length-delimited ones as bytes. */
function* read(bytes: Uint8Array): Generator<[number, bigint | Uint8Array]> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = Number(varint())
    const kind = key & 7
    if (kind === 0) yield [key >> 3, varint()]
    else if (kind === 2) {
      const length = Number(varint())
      at += length
      yield [key >> 3, bytes.subarray(at - length, at)]
    } else at += kind === 1 ? 8 : 4
  }
}
