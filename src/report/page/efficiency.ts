import { spread } from '../../sweep/spread.js'
import { type FinishedRun, unique } from '../groups.js'
import type { Report } from '../report.js'
import { barChart } from './charts.js'
import { figure, table } from './figure.js'
import { html, type Markup } from './html.js'

const MEASURES = [
  {
    name: 'time of a training step',
    unit: 'ms',
    value: ({ result }: FinishedRun) => result.step_seconds && result.step_seconds * 1000,
    text: (value: number) => `${Math.round(value)} ms`,
  },
  {
    name: 'peak memory',
    unit: 'GiB',
    value: ({ result }: FinishedRun) => (result.gpu_memory_bytes ?? result.peak_memory_bytes) / 2 ** 30,
    text: (value: number) => `${value.toFixed(2)} GiB`,
  },
]

/** Time and memory a method: the mean of its runs' medians and peaks, over all tasks. */
export async function efficiency({ groups, methods }: Report): Promise<Markup | undefined> {
  const finished = groups.flatMap(({ method, finished }) => finished.map((run) => ({ method, run })))
  if (finished.length === 0) return undefined
  const measured = MEASURES.map((measure) => ({
    ...measure,
    bars: methods.flatMap((method) => {
      const values = finished.flatMap((one) => (one.method === method ? (measure.value(one.run) ?? []) : []))
      return values.length > 0 ? [{ method, value: spread(values).mean }] : []
    }),
  })).filter(({ bars }) => bars.length > 0)
  const charts = measured.map(async ({ name, unit, bars, text }, i) => {
    const description = bars.map(({ method, value }) => `${method}: ${text(value)}`).join('; ')
    return figure(`efficiency-${i}`, await barChart(bars, methods, unit), { title: name, description })
  })
  const shown = methods.filter((method) => finished.some((one) => one.method === method))
  const rows = shown.map((method) => [
    method,
    ...measured.map(({ bars, text }) => {
      const bar = bars.find((one) => one.method === method)
      return bar ? text(bar.value) : '–'
    }),
  ])
  const head = ['method', ...measured.map(({ name }) => name)]
  return html`<p class="note">${conditions(finished.map(({ run }) => run))}</p>
<div class="charts">
${await Promise.all(charts)}</div>
${table('Time and memory', head, rows, { numeric: new Set([1, 2]) })}`
}

/** Times of different machines, batches or lengths do not compare; whoever reads them has to know. */
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
