import { counted } from '../../base/text/counted.js'
import { byteSize } from '../../base/text/size.js'
import type { Row } from '../../measure/row.js'
import { type Column, drawTable } from './table.js'

/** Kernels of a profile that are printed; the rest is summed. */
const KERNELS_SHOWN = 15

/** Lists the measured methods, then the kernels of those that were profiled. */
export function benchTable(rows: readonly Row[]): string {
  const [first] = rows
  if (!first) return 'No method fits.'
  const decoding = rows.find(({ target_length }) => target_length !== null)
  const tables = [`${first.device}. ${shapeOf(decoding ?? first)}`, measuredTable(rows)]
  if (first.torch) tables.push(`PyTorch side: ${first.torch}. Ratios are ours by theirs.`)
  return [...tables, ...rows.filter(({ profile }) => profile).map(kernelTable)].join('\n')
}

function shapeOf({
  ranks,
  batch_size,
  source_length,
  target_length,
  precision,
  mode,
  steps,
  load_average,
}: Row): string {
  const targets = target_length === null ? '' : `targets of ${target_length}, `
  return (
    `${ranks === undefined ? '' : `${ranks} ranks share `}${counted(batch_size, 'source')} of ` +
    `${counted(source_length, 'token')}, ${targets}${precision}, ${mode}; median of ` +
    `${counted(steps, 'step')} ± half of their interquartile range; load average ${load_average.toFixed(1)}.`
  )
}

function measuredTable(rows: readonly Row[]): string {
  const torch = rows[0]!.torch !== undefined
  const gpu = rows[0]!.gpu_bytes !== undefined
  const number = (head: string, importance: number): Column => ({ head, importance, right: true })
  const columns: Column[] = [
    { head: 'backbone', importance: 3 },
    { head: 'method' },
    number('trained', 2),
    { head: 'step', right: true },
    number('examples/s', 1),
    number('time of full', 6),
    number(gpu ? 'GPU memory' : 'peak memory', 7),
    number('memory of full', 5),
  ]
  const theirs = [
    number('PyTorch step', 8),
    number('time ratio', 10),
    number('PyTorch memory', 4),
    number('memory ratio', 9),
  ]
  const lines = rows.map((row) => {
    const own = [
      row.backbone,
      [row.method, ...row.changes].join(' '),
      row.trained_parameters.toLocaleString('en'),
      milliseconds(row.step_ms, row.step_ms_spread),
      row.examples_per_second.toFixed(1),
      ratio(row.time_to_full),
      size(row.gpu_bytes ?? row.peak_bytes),
      ratio(row.memory_to_full),
    ]
    const other = [
      milliseconds(row.torch_step_ms, row.torch_step_ms_spread),
      ratio(row.time_ratio),
      size(row.torch_peak_bytes),
      ratio(row.memory_ratio),
    ]
    return torch ? [...own, ...other] : own
  })
  return drawTable(torch ? [...columns, ...theirs] : columns, lines)
}

function kernelTable({ backbone, method, profile = [] }: Row): string {
  const all = profile.reduce((sum, { ms }) => sum + ms, 0)
  const rest = profile.slice(KERNELS_SHOWN)
  const columns = [{ head: 'kernel' }, ...['calls', 'ms', 'share'].map((head) => ({ head, right: true }))]
  const lines: string[][] = []
  const line = (name: string, calls: number, ms: number) =>
    lines.push([name, calls.toLocaleString('en'), ms.toFixed(1), `${((100 * ms) / all).toFixed(1)} %`])
  for (const { kernel, calls, ms } of profile.slice(0, KERNELS_SHOWN)) line(kernel, calls, ms)
  const total = (key: 'calls' | 'ms') => rest.reduce((sum, kernel) => sum + kernel[key], 0)
  if (rest.length > 0) line(counted(rest.length, 'other'), total('calls'), total('ms'))
  return (
    `\nKernels of an eager step of ${method} on ${backbone}, ${all.toFixed(0)} ms in ` +
    `all:\n${drawTable(columns, lines)}`
  )
}

const milliseconds = (median?: number | null, spread?: number | null) =>
  median == null || spread == null ? '' : `${digits(median)} ± ${digits(spread / 2)} ms`
const digits = (ms: number) => ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)
const ratio = (value?: number | null) => (value == null ? '' : `${value.toFixed(2)} ×`)
const size = (bytes?: number | null) => (bytes == null ? '' : byteSize(bytes))
