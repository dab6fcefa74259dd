/** Options of a session, as far as we set them. */
export interface SessionConfig {
  /** Threads that share one kernel. */
  intraThreads: number
  /** Kernels that run at once. */
  interThreads: number
  /** Whether TensorFlow rewrites the graph (Grappler) before it first runs. */
  rewrites: boolean
  /** Level of XLA's automatic clustering: 0 is off. */
  jit: 0 | 1 | 2
}

/** A ConfigProto (tensorflow/core/protobuf/config.proto), serialised. */
export function configProto({ intraThreads, interThreads, rewrites, jit }: SessionConfig): Uint8Array {
  const rewriteOptions = rewrites ? [] : field(19, 1) // RewriterConfig.disable_meta_optimizer
  const optimizerOptions = jit === 0 ? field(5, OFF) : field(5, jit) // OptimizerOptions.global_jit_level
  const graphOptions = [...message(3, optimizerOptions), ...message(10, rewriteOptions)]
  return Uint8Array.from([
    ...field(2, intraThreads), // intra_op_parallelism_threads
    ...field(5, interThreads), // inter_op_parallelism_threads
    ...field(7, 1), // allow_soft_placement
    ...message(10, graphOptions), // graph_options
    ...message(6, field(4, 1)), // gpu_options.allow_growth
  ])
}

/** OptimizerOptions.GlobalJitLevel.OFF is −1. */
const OFF = -1

/** A varint field. */
const field = (number: number, value: number): number[] => [...varint(BigInt(number << 3)), ...varint(BigInt(value))]

/** A length-delimited field. */
const message = (number: number, bytes: number[]): number[] => [
  ...varint(BigInt((number << 3) | 2)),
  ...varint(BigInt(bytes.length)),
  ...bytes,
]

function varint(value: bigint): number[] {
  let left = BigInt.asUintN(64, value)
  const bytes: number[] = []
  while (left > 127n) {
    bytes.push(Number(left & 127n) | 128)
    left >>= 7n
  }
  return [...bytes, Number(left)]
}
