import { csvLine } from '../../base/text/csv.js'
import { escapeMarkdown, markdownTable } from '../../base/text/markdown.js'
import type { Spread } from '../../run/compare/spread.js'
import { shownSpread } from '../../run/compare/spread.js'
import type { LowResourceResults } from '../../sweep/run/low_resource.js'
import { shownRuns } from '../comparison.js'
import { drawTable } from '../tables/table.js'

const SPLITS = ['validation', 'test'] as const

const metricsOf = ({ cells }: LowResourceResults) => Object.keys(cells[0]?.test ?? {})

const shown = (spread: Spread | undefined): string => (spread ? shownSpread(spread) : '–')

/** Returns a row for each method and size: mean ± standard deviation of every metric. */
function tableOf(results: LowResourceResults): { head: string[]; rows: string[][] } {
  const metrics = metricsOf(results)
  const columns = SPLITS.flatMap((split) => metrics.map((metric) => ({ split, metric })))
  return {
    head: ['method', 'training rows', 'runs', ...columns.map(({ split, metric }) => `${split} ${metric}`)],
    rows: results.summary.map((row) => [
      row.method,
      String(row.size),
      shownRuns(row),
      ...columns.map(({ split, metric }) => shown(row[split][metric])),
    ]),
  }
}

/** Returns the results of a grid, and the runs that failed. */
export function lowResourceTable(results: LowResourceResults): string {
  const { head, rows } = tableOf(results)
  const columns = head.map((name, i) => ({
    head: name,
    right: i > 0,
    ...(name === 'runs' && { importance: 1 }),
    ...(name.startsWith('validation ') && { importance: 2 }),
  }))
  return [drawTable(columns, rows), ...remarksOn(results)].join('\n')
}

const remarksOn = ({ cautions, failed }: LowResourceResults): string[] => [
  ...cautions.map((text) => `Caution: ${text}`),
  ...failed.map(({ run, reason }) => `${run} failed: ${reason}`),
]

export function lowResourceMarkdown(results: LowResourceResults): string {
  const { head, rows } = tableOf(results)
  const { task, backbone, steps, batch_size, seeds } = results
  const escaped = (cells: string[]) => cells.map(escapeMarkdown)
  const table = markdownTable(
    escaped(head),
    rows.map(escaped),
    head.map((_, column) => column > 0),
  )
  const remarks = remarksOn(results)
    .map((text) => `\n- ${escapeMarkdown(text)}`)
    .join('')
  return (
    `# ${escapeMarkdown(task)}, low-resource\n\n${escapeMarkdown(backbone)}, ${steps} steps of ` +
    `${batch_size} rows whatever the size; mean ± sample standard deviation over\n${seeds.length} random subsets ` +
    `of the training rows.\n\n${table}\n${remarks}\n![test score against training rows](curve.svg)\n`
  )
}

/** Returns a line for each finished run: RFC 4180, except for line ends. */
export function lowResourceCsv(results: LowResourceResults): string {
  const metrics = metricsOf(results)
  const scores = SPLITS.flatMap((split) => metrics.map((metric) => `${split}_${metric}`))
  const head = ['method', 'size', 'seed', ...scores, 'best_step', 'seconds']
  const rows = results.cells.map((cell) => [
    cell.method,
    cell.size,
    cell.seed,
    ...SPLITS.flatMap((split) => metrics.map((metric) => cell[split][metric])),
    cell.best_step,
    cell.seconds,
  ])
  return [head, ...rows].map((row) => `${csvLine(row)}\n`).join('')
}
