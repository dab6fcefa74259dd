import { counted } from '../../base/text/counted.js'
import { byteSize } from '../../base/text/size.js'
import { duration } from '../../cli/terminal.js'
import type { PlannedCell, SweepPlan } from '../../sweep/plan/plan.js'
import { drawTable } from '../tables/table.js'

/** Returns what `sweep run --dry-run` found: a line for each cell, then the totals and what is not known. */
export function sweepPlanTable({ cells, measured, estimated_seconds }: SweepPlan): string {
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
  const all = `${counted(cells.length, 'cell')}, ${counted(measured, 'training')} measured. `
  const time =
    estimated_seconds === null ? '' : `One after the other at most ${duration(estimated_seconds)} without evaluations.`
  return [table, `${all}${time}`.trim(), ...notes(cells)].join('\n')
}

const dash = '–'
const row = (cell: PlannedCell): string[] => [
  String(cell.index),
  cell.name,
  cell.trained_parameters?.toLocaleString('en') ?? dash,
  cell.steps?.toLocaleString('en') ?? dash,
  cell.estimated_seconds === null ? dash : `≤ ${duration(cell.estimated_seconds)}`,
  cell.peak_memory_bytes === null ? dash : byteSize(cell.peak_memory_bytes),
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
