import Table from 'cli-table3'
import type { PlannedCell, SweepPlan } from '../sweep/plan.js'
import { duration } from '../terminal.js'

/** What `sweep run --dry-run` found: a line a cell, then what all of them come to and what is not known. */
export function sweepPlanTable({ cells, measured, estimated_seconds }: SweepPlan): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: ['', 'cell', 'trained parameters', 'steps', 'training time', 'peak memory'],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right'],
  })
  table.push(...cells.map(row))
  const trainings = measured === 1 ? '1 training' : `${measured} trainings`
  const all = `${cells.length} cells, ${trainings} measured. `
  const time =
    estimated_seconds === null ? '' : `One after the other at most ${duration(estimated_seconds)} without evaluations.`
  return [table.toString(), `${all}${time}`.trim(), ...notes(cells)].join('\n')
}

const dash = '–'
const row = (cell: PlannedCell): string[] => [
  String(cell.index),
  cell.name,
  cell.trained_parameters?.toLocaleString('en') ?? dash,
  cell.steps?.toLocaleString('en') ?? dash,
  cell.estimated_seconds === null ? dash : `≤ ${duration(cell.estimated_seconds)}`,
  cell.peak_memory_bytes === null ? dash : `${(cell.peak_memory_bytes / 2 ** 30).toFixed(2)} GiB`,
]

/** Each once, with the cells that it is about. */
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
