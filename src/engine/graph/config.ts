import { delimited, integer, joined } from './protobuf.js'

/** The options of a session that we set. */
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

/** The fastest settings; see docs/benchmarks.md. */
export const sessionConfig = (threads: number): SessionConfig => ({
  intraThreads: threads,
  interThreads: 1,
  rewrites: false,
  jit: 0,
})

/** Returns the session's options as a manifest names them. */
export function sessionFacts(threads: number) {
  const { intraThreads, interThreads, rewrites, jit } = sessionConfig(threads)
  return { intra_threads: intraThreads, inter_threads: interThreads, rewrites, xla_level: jit }
}

/** Returns a serialised ConfigProto (tensorflow/core/protobuf/config.proto). */
export function configProto({ intraThreads, interThreads, rewrites, jit }: SessionConfig): Uint8Array {
  const rewriteOptions = rewrites ? [] : [integer(19, 1)] // RewriterConfig.disable_meta_optimizer
  const optimizerOptions = [integer(5, jit === 0 ? OFF : jit)] // OptimizerOptions.global_jit_level
  return joined([
    integer(2, intraThreads), // intra_op_parallelism_threads
    integer(5, interThreads), // inter_op_parallelism_threads
    integer(7, true), // allow_soft_placement
    delimited(10, [delimited(3, optimizerOptions), delimited(10, rewriteOptions)]), // graph_options
    delimited(6, [integer(4, true)]), // gpu_options.allow_growth
  ])
}

/** OptimizerOptions.GlobalJitLevel.OFF is −1. */
const OFF = -1
