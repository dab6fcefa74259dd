import { isEncoder } from '../backbone/registry.js'
import type { Mode, Precision } from '../base/choices.js'
import { median, quantile } from '../base/numbers/quantile.js'
import type { BenchOptions, Samples } from './bench.js'
import type { Torch } from './torch.js'
import type { KernelTotal } from './trial.js'

/** A line of `compacter bench`. Times are in milliseconds. */
export interface Row {
  method: string
  /** Options that differ from the preset's: `n=8`. */
  changes: string[]
  backbone: string
  device: string
  precision: Precision
  mode: Mode
  /** Processes that shared each step; memory is rank 0's. Absent for a single process. */
  ranks?: number
  batch_size: number
  source_length: number
  /** Null for an encoder, whose head answers. */
  target_length: number | null
  trained_parameters: number
  /** Timed steps of all processes. */
  steps: number
  /** Median of a step. */
  step_ms: number
  /** Interquartile range of a step. */
  step_ms_spread: number
  examples_per_second: number
  /** Milliseconds from the start of a process to the end of its first step: the median of the processes. */
  first_step_ms: number
  /** Peak resident memory of a process without GPU memory: the largest of the processes. */
  peak_bytes: number
  /** GPU memory of a process, on `webgpu`: the largest of the processes. */
  gpu_bytes?: number
  /**
   * Processes that wanted a core, this one included: the machine's load average over a minute, the median of the
   * rounds.
   */
  load_average: number
  /** Relative to full fine-tuning; null where that was not measured. Memory is the GPU's where it is known. */
  time_to_full: number | null
  memory_to_full: number | null
  /** Only with --against torch; null where PyTorch's side lacks the method. Ratios are ours divided by theirs. */
  torch?: string
  torch_step_ms?: number | null
  torch_step_ms_spread?: number | null
  torch_peak_bytes?: number | null
  time_ratio?: number | null
  memory_ratio?: number | null
  profile?: KernelTotal[]
}

interface Summary {
  steps: number
  median: number
  spread: number
  peak: number
  gpu: number | undefined
}

const memoryOf = ({ peak, gpu = peak }: Summary) => gpu

/** Summarises what was measured; `full` is full fine-tuning on the same backbone, if it was measured. */
export function rowOf(samples: Samples, full: Samples | undefined, options: BenchOptions, torch?: Torch): Row {
  const { subject, ours } = samples
  const { device, mode, trainedParameters, profile } = ours[0]!
  const { batchSize, sourceLength, targetLength, precision } = options
  const own = summary(ours)
  const whole = full && summary(full.ours)
  return {
    method: subject.method,
    changes: subject.changes,
    backbone: subject.backbone,
    device,
    precision,
    mode,
    ...(options.ranks.size > 1 && { ranks: options.ranks.size }),
    batch_size: batchSize,
    source_length: sourceLength,
    target_length: isEncoder(subject.config) ? null : targetLength,
    trained_parameters: trainedParameters,
    steps: own.steps,
    step_ms: own.median,
    step_ms_spread: own.spread,
    examples_per_second: (1000 * batchSize) / own.median,
    first_step_ms: median(ours.map(({ firstStep }) => firstStep)),
    peak_bytes: own.peak,
    ...(own.gpu !== undefined && { gpu_bytes: own.gpu }),
    load_average: median(samples.loads),
    time_to_full: whole ? own.median / whole.median : null,
    memory_to_full: whole ? memoryOf(own) / memoryOf(whole) : null,
    ...(torch && comparison(own, samples, torch)),
    ...(profile && { profile }),
  }
}

function comparison(own: Summary, samples: Samples, torch: Torch): Partial<Row> {
  const theirs = samples.torch.length > 0 ? summary(samples.torch) : undefined
  return {
    torch: torch.description,
    torch_step_ms: theirs?.median ?? null,
    torch_step_ms_spread: theirs?.spread ?? null,
    torch_peak_bytes: theirs?.peak ?? null,
    time_ratio: theirs ? own.median / theirs.median : null,
    memory_ratio: theirs ? own.peak / theirs.peak : null,
  }
}

function summary(processes: { times: number[]; peakBytes: number; gpuBytes?: number }[]): Summary {
  const times = processes.flatMap(({ times }) => times)
  const gpus = processes.flatMap(({ gpuBytes }) => gpuBytes ?? [])
  return {
    steps: times.length,
    median: median(times),
    spread: quantile(times, 0.75) - quantile(times, 0.25),
    peak: Math.max(...processes.map(({ peakBytes }) => peakBytes)),
    gpu: gpus.length > 0 ? Math.max(...gpus) : undefined,
  }
}
