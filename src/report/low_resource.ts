import Table from 'cli-table3'
import { escapeMarkdown } from '../markdown.js'
import type { LowResourceResults } from '../sweep/low_resource.js'
import type { Spread } from '../sweep/spread.js'
import { csvLine } from './csv.js'

const SPLITS = ['validation', 'test'] as const

const metricsOf = ({ cells }: LowResourceResults) => Object.keys(cells[0]?.test ?? {})

/** `62.31 ± 1.20`, `62.31` for one run, a dash for none. */
const shown = (spread: Spread | undefined): string => {
  if (!spread) return '–'
  const mean = spread.mean.toFixed(2)
  return spread.std === null ? mean : `${mean} ± ${spread.std.toFixed(2)}`
}

/** A row a method and size: mean ± standard deviation of every metric. */
function tableOf(results: LowResourceResults): { head: string[]; rows: string[][] } {
  const metrics = metricsOf(results)
  const columns = SPLITS.flatMap((split) => metrics.map((metric) => ({ split, metric })))
  return {
    head: ['method', 'training rows', 'runs', ...columns.map(({ split, metric }) => `${split} ${metric}`)],
    rows: results.summary.map((row) => [
      row.method,
      String(row.size),
      String(row.runs),
      ...columns.map(({ split, metric }) => shown(row[split][metric])),
    ]),
  }
}

/** What a grid came to, and the runs that failed. */
export function lowResourceTable(results: LowResourceResults): string {
  const { head, rows } = tableOf(results)
  const colAligns = head.map((_, i) => (i === 0 ? ('left' as const) : ('right' as const)))
  const table = new Table({ style: { head: [], border: [] }, head, colAligns })
  table.push(...rows)
  const failed = results.failed.map(({ run, reason }) => `${run} failed: ${reason}`)
  return [table.toString(), ...failed].join('\n')
}

export function lowResourceMarkdown(results: LowResourceResults): string {
  const { head, rows } = tableOf(results)
  const { task, backbone, steps, batch_size, seeds, failed } = results
  const line = (cells: string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`
  const rule = `| ${head.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`
  const table = [line(head), rule, ...rows.map(line)].join('\n')
  const reasons = failed.map(({ run, reason }) => `\n- ${escapeMarkdown(`${run} failed: ${reason}`)}`).join('')
  return `# ${escapeMarkdown(task)}, low-resource\n\n${escapeMarkdown(backbone)}, ${steps} steps of ${batch_size} rows whatever the size; mean ± sample standard deviation over\n${seeds.length} random subsets of the training rows.\n\n${table}\n${reasons}\n![test score against training rows](curve.svg)\n`
}

/** A line a finished run: RFC 4180, except for line ends. */
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
