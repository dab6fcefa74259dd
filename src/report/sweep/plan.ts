import { counted } from '../../base/text/counted.js'
import { byteSize } from '../../base/text/size.js'
import { duration } from '../../cli/terminal.js'
import type { PlannedCell, SweepPlan } from '../../sweep/plan/plan.js'
import { drawTable } from '../tables/table.js'

/** Returns what `sweep run --dry-run` found: a line for each cell, then the totals and what is not known. */
export function sweepPlanTable(plan: SweepPlan): string {
  const { cells } = plan
  const number = (head: string, importance: number) => ({ head, importance, right: true })
  const table = drawTable(
    [
      number('#', 1),
      { head: 'cell' },
      number('trained parameters', 3),
      number('steps', 2),
      number('training time', 5),
      number('peak memory', 4),
    ],
    cells.map(row),
  )
  return [table, totals(plan), ...priceLines(plan), ...notes(cells)].join('\n')
}

/** Returns how many trainings were looked at, and what all cells need. */
function totals({ cells, measured, priced, estimated_seconds: seconds }: SweepPlan): string {
  const trainings = [
    ...(measured > 0 || priced === 0 ? [`${counted(measured, 'training')} measured`] : []),
    ...(priced > 0 ? [`${counted(priced, 'training')} priced`] : []),
  ]
  const all = `${[counted(cells.length, 'cell'), ...trainings].join(', ')}.`
  if (seconds === null) return all
  const bytes = Math.max(...cells.map(({ peak_memory_bytes }) => peak_memory_bytes ?? 0))
  const time = priced > 0 ? `about ${longTime(seconds)}` : `at most ${duration(seconds)}`
  const memory = priced > 0 ? `\nThe largest takes about ${byteSize(bytes)} of memory.` : ''
  return `${all} One after the other ${time} without evaluations.${memory}`
}

/** Says how prices were reckoned, and what smaller backbones would cost. */
function priceLines({ priced, smaller }: SweepPlan): string[] {
  if (priced === 0) return []
  return [
    'Prices are estimates from steps of a few rows of full length through a few layers with random weights.',
    'They are extended along straight lines to all layers and the whole batch. Shorter rows take less.',
    ...smaller.map(
      ({ backbone, estimated_seconds: seconds, peak_memory_bytes: bytes }) =>
        `On ${backbone}: about ${longTime(seconds)}, the largest in about ${byteSize(bytes)}.`,
    ),
  ]
}

const DAY = 24 * 3600

/** Returns `3.2 days` for what takes days. */
const longTime = (seconds: number): string =>
  seconds < 2 * DAY ? duration(seconds) : `${(seconds / DAY).toFixed(seconds < 20 * DAY ? 1 : 0)} days`

const dash = '–'
const row = (cell: PlannedCell): string[] => [
  String(cell.index),
  cell.name,
  cell.trained_parameters?.toLocaleString('en') ?? dash,
  cell.steps?.toLocaleString('en') ?? dash,
  cell.estimated_seconds === null ? dash : `${cell.basis === 'priced' ? '≈' : '≤'} ${longTime(cell.estimated_seconds)}`,
  cell.peak_memory_bytes === null ? dash : `${cell.basis === 'priced' ? '≈ ' : ''}${byteSize(cell.peak_memory_bytes)}`,
]

/** Returns each note once, with the cells that it is about. */
function notes(cells: readonly PlannedCell[]): string[] {
  const texts = new Map<string, string[]>()
  for (const { name, note, fits } of cells) {
    const text = note ?? (fits === false ? TOO_LARGE : undefined)
    if (text !== undefined) texts.set(text, [...(texts.get(text) ?? []), name])
  }
  return [...texts].map(([text, names]) => {
    const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
    return `${shown}: ${text}`
  })
}

const TOO_LARGE = 'The memory that is free now is not enough; time and memory are extrapolated.'
