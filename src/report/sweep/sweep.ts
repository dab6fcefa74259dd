import type { ResultFormat } from '../../base/choices.js'
import { commandLine, quoted } from '../../base/command_line.js'
import { counted } from '../../base/text/counted.js'
import { csvLine } from '../../base/text/csv.js'
import { escapeMarkdown, markdownTable } from '../../base/text/markdown.js'
import { duration } from '../../cli/terminal.js'
import { writtenMethodName } from '../../experiment/method_name.js'
import { shownSpread } from '../../run/compare/spread.js'
import { axisLabel } from '../../sweep/plan/names.js'
import { type CellRow, STATES, type SummaryRow, type SweepResults } from '../../sweep/results/results.js'
import type { SweepStatus } from '../../sweep/results/status.js'
import type { Submission } from '../../sweep/slurm/slurm.js'
import { unitsOf } from '../../task/metrics/direction.js'
import { shownRuns } from '../comparison.js'
import { escapeLatex, latexComments, latexTable } from '../tables/latex.js'
import { drawTable } from '../tables/table.js'

const SPLITS = ['validation', 'test'] as const

interface Sheet {
  head: string[]
  rows: string[][]
}

/**
 * Returns a value of an axis as text: texts unchanged, methods by their names as in a report, others in YAML's flow
 * style.
 */
function shownValue(axis: string, value: unknown): string {
  if (value === undefined) return '–'
  if (typeof value === 'string') return value
  return axis === 'method' ? writtenMethodName(value) : JSON.stringify(value)
}

/** Returns the line that `sweep run --on slurm` prints. */
export const submissionLine = ({ jobId, indices, folder }: Submission & { folder: string }): string =>
  `SLURM's job ${jobId}: ${counted(indices.length, 'cell')}. Watch: ${commandLine(`sweep status ${quoted(folder)}`)}`

/** Returns a row for each setting: mean ± standard deviation over its seeds, of every metric. */
function summarySheet({ axes, seeds, summary }: SweepResults): Sheet {
  const keys = axes.filter((axis) => !seeds.includes(axis))
  const columns = SPLITS.flatMap((split) =>
    unique(summary.flatMap((row) => Object.keys(row[split]))).map((metric) => ({ split, metric })),
  )
  const several = unique(summary.map(({ task }) => task)).length > 1
  return {
    head: [
      ...keys.map((key) => axisLabel(key, axes)),
      ...(several ? ['task'] : []),
      'runs',
      ...columns.map(({ split, metric }) => `${split} ${metric}`),
    ],
    rows: summary.map((row) => [
      ...keys.map((key) => shownValue(key, row.axes[key])),
      ...(several ? [row.task] : []),
      shownRuns(row),
      ...columns.map(({ split, metric }) => scored(row[split][metric])),
    ]),
  }
}

const scored = (spread: SummaryRow['test'][string] | undefined) => (spread ? shownSpread(spread) : '–')

/** Returns, for every value of an axis, the setting that is best on validation; nothing if there is only one axis. */
function bestSheet({ axes, seeds, best }: SweepResults): Sheet {
  const keys = axes.filter((axis) => !seeds.includes(axis))
  const several = unique(best.map(({ task }) => task)).length > 1
  const rest = (row: SweepResults['best'][number]) =>
    keys
      .filter((key) => key !== row.axis && Object.hasOwn(row.axes, key))
      .map((key) => `${axisLabel(key, axes)} ${shownValue(key, row.axes[key])}`)
      .join(', ')
  return {
    head: ['axis', 'value', ...(several ? ['task'] : []), 'best with', 'runs', 'validation', 'test'],
    rows: (keys.length > 1 ? best : []).map((row) => [
      axisLabel(row.axis, axes),
      shownValue(row.axis, row.value),
      ...(several ? [row.task] : []),
      rest(row),
      shownRuns(row),
      scored(row.validation_score),
      scored(row.test_score),
    ]),
  }
}

/** Says where the best cell of each task is, and what distinguishes it from the others. */
function bestLines({ axes, seeds, best_cell }: SweepResults): string[] {
  const named = (values: Record<string, unknown>, keys: readonly string[]) =>
    keys
      .filter((key) => Object.hasOwn(values, key))
      .map((key) => `${axisLabel(key, axes)} ${shownValue(key, values[key])}`)
  return best_cell.map((cell) => {
    const setting = named(
      cell.axes,
      axes.filter((axis) => !seeds.includes(axis)),
    )
    const [words, score] =
      setting.length > 0 || seeds.length === 0
        ? [setting, shownSpread(cell.setting_score)]
        : [named(cell.axes, seeds), cell.validation_score.toFixed(2)]
    const task = best_cell.length > 1 ? ` of ${cell.task}` : ''
    const others = counted(cell.ties, 'other')
    const ties = cell.ties > 0 ? `; tied with ${others}; the first in the sweep's order` : ''
    return `Best on validation${task}: ${words.join(', ') || cell.name} (${score}${ties}) in ${quoted(cell.folder)}`
  })
}

/** Columns that may be left out; axes and validation scores, which decide what is best, stay. */
const IMPORTANCE: Record<string, number> = { runs: 1, task: 2, test: 3 }

const isNumeric = (text: string) => /^[–\d−.-]/.test(text)

function drawn({ head, rows }: Sheet): string[] {
  if (rows.length === 0) return []
  const numeric = head.map((_, i) => rows.every((row) => isNumeric(row[i]!)))
  const importance = (name: string) => IMPORTANCE[name] ?? (name.startsWith('test ') ? 3 : undefined)
  const columns = head.map((name, i) => {
    const rank = importance(name)
    return { head: name, right: numeric[i]!, ...(rank !== undefined && { importance: rank }) }
  })
  return [drawTable(columns, rows)]
}

const failures = ({ cells }: { cells: readonly CellRow[] }): string[] =>
  cells.flatMap((cell) => (cell.state === 'failed' ? [`${cell.name} failed: ${cell.reason}`] : []))

/** Returns a sweep's results in one of the formats of `sweep results`. */
export const formatResults = (results: SweepResults, format: ResultFormat): string =>
  ({ table: resultsTable, csv: resultsCsv, markdown: resultsMarkdown, latex: resultsLatex })[format](results).trimEnd()

/** Returns a sweep's results, and what is missing. */
export function resultsTable(results: SweepResults): string {
  return [
    ...drawn(summarySheet(results)),
    ...drawn(bestSheet(results)),
    ...bestLines(results),
    countsLine(results.cells),
    ...results.cautions.map((text) => `Caution: ${text}`),
    ...failures(results),
  ].join('\n')
}

/** Returns `8 cells: 6 finished, 2 failed.` */
function countsLine(cells: readonly CellRow[]): string {
  const counts = STATES.map((state) => [state, cells.filter((cell) => cell.state === state).length] as const)
  const shown = counts.flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []))
  return `${counted(cells.length, 'cell')}: ${shown.join(', ')}.`
}

export function resultsMarkdown(results: SweepResults): string {
  const escaped = (cells: string[]) => cells.map(escapeMarkdown)
  const table = ({ head, rows }: Sheet) =>
    rows.length === 0 ? [] : [`${markdownTable(escaped(head), rows.map(escaped))}\n`]
  const cautions = results.cautions.map((text) => `Caution: ${text}`)
  const lines = [...cautions, ...failures(results)].map((line) => `- ${escapeMarkdown(line)}`)
  return [
    `# ${escapeMarkdown(results.name)}\n`,
    `Scores ${unitsOf(results.summary.flatMap(({ validation }) => Object.keys(validation)))}; mean ± sample ` +
      'standard deviation over runs that differ in seeds only.\n',
    ...table(summarySheet(results)),
    ...table(bestSheet(results)),
    ...bestLines(results).map((line) => `${escapeMarkdown(line)}\n`),
    countsLine(results.cells),
    ...(lines.length > 0 ? ['', ...lines] : []),
    '',
  ].join('\n')
}

/** Returns the table of settings, for \\usepackage{booktabs}. */
function resultsLatex(results: SweepResults): string {
  const { head, rows } = summarySheet(results)
  const escaped = [head, ...rows].map((cells) => cells.map(escapeLatex))
  const right = head.map((_, i) => rows.length > 0 && rows.every((row) => isNumeric(row[i]!)))
  const notes = [countsLine(results.cells), ...results.cautions.map((text) => `Caution: ${text}`)]
  return [...latexComments(notes), latexTable(escaped[0]!, escaped.slice(1), right)].join('\n')
}

/** Returns a line for each cell, finished or not: RFC 4180, except for line ends. */
export function resultsCsv({ axes, cells }: SweepResults): string {
  const columns = SPLITS.flatMap((split) =>
    unique(cells.flatMap((cell) => (cell.state === 'finished' ? Object.keys(cell[split]) : []))).map((metric) => ({
      split,
      metric,
    })),
  )
  const head = [
    ...['index', 'name', 'state', 'backbone', 'task'],
    ...axes,
    ...columns.map(({ split, metric }) => `${split}_${metric}`),
    ...['best_step', 'seconds', 'trained_parameters', 'reason'],
  ]
  const rows = cells.map((cell) => {
    const { index, name, state, backbone, task } = cell
    const done = cell.state === 'finished' ? cell : undefined
    return [
      ...[index, name, state, backbone, task],
      ...axes.map((key) => (Object.hasOwn(cell.axes, key) ? shownValue(key, cell.axes[key]) : '')),
      ...columns.map(({ split, metric }) => done?.[split][metric] ?? ''),
      ...[done?.best_step ?? '', done?.seconds ?? '', done?.trained_parameters ?? ''],
      cell.state === 'failed' ? cell.reason : '',
    ]
  })
  return [head, ...rows].map((row) => `${csvLine(row)}\n`).join('')
}

/** Returns every cell with its progress, and why some failed; at most `rows` rows, those that need attention first. */
export function statusTable({ cells }: SweepStatus, rows = Number.POSITIVE_INFINITY): string {
  const shown =
    cells.length <= rows
      ? cells
      : byAttention(cells)
          .slice(0, rows)
          .toSorted((a, b) => a.index - b.index)
  const table = drawTable(
    [
      { head: '#', right: true, importance: 2 },
      { head: 'cell' },
      { head: 'state' },
      { head: 'progress', right: true, importance: 3 },
      { head: 'validation', importance: 4 },
      { head: 'time', right: true, importance: 1 },
    ],
    shown.map((cell) => [String(cell.index), cell.name, stateOf(cell), ...progressOf(cell)]),
  )
  const more = cells.length > shown.length ? [`… and ${cells.length - shown.length} more`] : []
  return [table, ...more, countsLine(cells), ...failures({ cells })].join('\n')
}

const ATTENTION = ['running', 'failed', 'stopped', 'waiting', 'finished']

const byAttention = (cells: SweepStatus['cells']) =>
  cells.toSorted((a, b) => ATTENTION.indexOf(a.state) - ATTENTION.indexOf(b.state))

const stateOf = ({ state, slurm }: SweepStatus['cells'][number]) =>
  slurm === undefined || slurm === state ? state : `${state}, ${slurm}`

function progressOf(cell: CellRow): string[] {
  if (cell.state === 'running' || cell.state === 'stopped')
    return [`step ${cell.step}${cell.steps === undefined ? '' : ` of ${cell.steps}`}`, '', '']
  if (cell.state !== 'finished') return ['', '', '']
  const scores = Object.entries(cell.validation).map(([metric, score]) => `${metric} ${score.toFixed(2)}`)
  return [`best step ${cell.best_step}`, scores.join(', '), duration(cell.seconds)]
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
