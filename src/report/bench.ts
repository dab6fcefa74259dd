import Table from 'cli-table3'
import type { Row } from '../bench/row.js'

/** Kernels of a profile that are printed; the rest is summed up. */
const KERNELS_SHOWN = 15

/** The measured methods below each other, then the kernels of those that were profiled. */
export function benchTable(rows: readonly Row[]): string {
  const [first] = rows
  if (!first) return 'No method fits.'
  const tables = [`${first.device}. ${shapeOf(first)}`, measuredTable(rows)]
  if (first.torch) tables.push(`PyTorch side: ${first.torch}. Ratios are ours by theirs.`)
  return [...tables, ...rows.filter(({ profile }) => profile).map(kernelTable)].join('\n')
}

const shapeOf = ({ batch_size, source_length, target_length, precision, mode, steps, load_average }: Row) =>
  `${batch_size} sources of ${source_length} tokens, targets of ${target_length}, ${precision}, ${mode}; median of ${steps} steps ± half of their interquartile range; load average ${load_average.toFixed(1)}.`

function measuredTable(rows: readonly Row[]): string {
  const torch = rows[0]!.torch !== undefined
  const gpu = rows[0]!.gpu_bytes !== undefined
  const columns = [
    'backbone',
    'method',
    'trained',
    'a step',
    'examples/s',
    'of full',
    gpu ? 'GPU memory' : 'peak memory',
    'of full',
  ]
  const theirs = ['PyTorch step', 'ratio', 'PyTorch memory', 'ratio']
  const head = torch ? [...columns, ...theirs] : columns
  const table = new Table({
    head,
    style: { head: [], border: [] },
    colAligns: head.map((_, column) => (column < 2 ? 'left' : 'right')),
  })
  for (const row of rows) {
    const own = [
      row.backbone,
      [row.method, ...row.changes].join(' '),
      row.trained_parameters.toLocaleString('en'),
      milliseconds(row.step_ms, row.step_ms_spread),
      row.examples_per_second.toFixed(1),
      ratio(row.time_to_full),
      gibibytes(row.gpu_bytes ?? row.peak_bytes),
      ratio(row.memory_to_full),
    ]
    const other = [
      milliseconds(row.torch_step_ms, row.torch_step_ms_spread),
      ratio(row.time_ratio),
      gibibytes(row.torch_peak_bytes),
      ratio(row.memory_ratio),
    ]
    table.push(torch ? [...own, ...other] : own)
  }
  return table.toString()
}

function kernelTable({ backbone, method, profile = [] }: Row): string {
  const all = profile.reduce((sum, { ms }) => sum + ms, 0)
  const rest = profile.slice(KERNELS_SHOWN)
  const table = new Table({
    head: ['kernel', 'calls', 'ms', 'share'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  })
  const line = (name: string, calls: number, ms: number) =>
    table.push([name, calls.toLocaleString('en'), ms.toFixed(1), `${((100 * ms) / all).toFixed(1)} %`])
  for (const { kernel, calls, ms } of profile.slice(0, KERNELS_SHOWN)) line(kernel, calls, ms)
  const total = (key: 'calls' | 'ms') => rest.reduce((sum, kernel) => sum + kernel[key], 0)
  if (rest.length > 0) line(`${rest.length} others`, total('calls'), total('ms'))
  return `\nKernels of an eager step of ${method} on ${backbone}, ${all.toFixed(0)} ms in all:\n${table}`
}

const milliseconds = (median?: number | null, spread?: number | null) =>
  median == null || spread == null ? '' : `${digits(median)} ± ${digits(spread / 2)} ms`
const digits = (ms: number) => ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)
const ratio = (value?: number | null) => (value == null ? '' : `${value.toFixed(2)} ×`)
const gibibytes = (bytes?: number | null) => (bytes == null ? '' : `${(bytes / 2 ** 30).toFixed(2)} GiB`)
