import { byteSize } from '../../base/text/size.js'
import { type FinishedRun, unique } from '../../run/compare/groups.js'
import { spread } from '../../run/compare/spread.js'
import type { Report } from '../report.js'
import { Bar, table } from './figure.js'
import { html, type Markup } from './html.js'

const MEASURES = [
  {
    name: 'time of a training step',
    value: ({ result }: FinishedRun) => result.step_seconds && result.step_seconds * 1000,
    text: (value: number) => `${Math.round(value)} ms`,
  },
  {
    name: 'peak memory',
    value: peakMemory,
    text: byteSize,
  },
]

/** The memory that a training is limited by: that of the GPU where it has one. */
export function peakMemory({ result }: FinishedRun): number {
  return result.gpu_memory_bytes ?? result.peak_memory_bytes
}

/** Shows time and memory for each method: the mean of its runs' medians and peaks, over all tasks. */
export function efficiency({ groups, methods }: Report): Markup | undefined {
  const finished = groups.flatMap(({ method, finished }) => finished.map((run) => ({ method, run })))
  if (finished.length === 0) return undefined
  const shown = methods.filter((method) => finished.some((one) => one.method === method))
  const columns = MEASURES.map(({ value, text }) => {
    const means = shown.map((method) => {
      const values = finished.flatMap((one) => (one.method === method ? (value(one.run) ?? []) : []))
      return values.length > 0 ? spread(values).mean : undefined
    })
    const greatest = Math.max(...means.map((mean) => mean ?? 0))
    return means.map((mean) => (mean === undefined ? '–' : new Bar(text(mean), mean / greatest)))
  })
  const rows = shown.map((method, i) => [method, ...columns.map((column) => column[i]!)])
  const head = ['method', ...MEASURES.map(({ name }) => name)]
  return html`<p class="note">${conditions(finished.map(({ run }) => run))}</p>
${table('Time and memory', head, rows, { numeric: new Set([1, 2]) })}`
}

/** Says what was measured: times of different machines, batches or lengths can't be compared. */
function conditions(runs: FinishedRun[]): string {
  const devices = unique(runs.flatMap(({ environment }) => environment?.device ?? []))
  const shapes = unique(
    runs.map(
      ({ experiment: { training } }) => `${training.batch_size} rows of at most ${training.source_length} tokens`,
    ),
  )
  const modes = unique(runs.flatMap(({ environment }) => environment?.engine_mode ?? []))
  const on =
    devices.length > 1 ? `Measured on ${devices.length} different devices, so they do not compare.` : devices[0]
  const how = modes.length > 1 ? 'Steps were taken in different ways, replayed and eager.' : ''
  const what = shapes.length > 1 ? 'Batches differ in size.' : `A step is ${shapes[0]}.`
  return ['Medians of the steps and peaks of the process, means over runs.', what, how, on && ended(on)]
    .filter(Boolean)
    .join(' ')
}

const ended = (text: string) => (text.endsWith('.') ? text : `${text}.`)
