import { escapeMarkdown } from '../markdown.js'
import type { Spread } from '../sweep/spread.js'
import { type Group, type Summary, summaryOf, unique } from './groups.js'
import { escapeLatex } from './latex.js'

/** Methods × tasks: test scores. */
export interface Comparison {
  methods: string[]
  tasks: { name: string; metrics: string[] }[]
  rows: ComparisonRow[]
  /** Finished runs of every cell where they are equally many, else undefined. */
  runs: number | undefined
}

export interface ComparisonRow {
  method: string
  /** Of the backbone, in %. */
  share: number
  trained: number
  cells: (Cell | undefined)[]
  /** Mean of all tasks, where the method was trained on each. */
  average: Omit<Cell, 'runs'> | undefined
}

interface Cell {
  text: string
  runs: number
  best: boolean
}

/** `62.31 ± 1.20`, or `62.31` for one run. */
export const shownSpread = ({ mean, std }: Spread): string =>
  std === null ? shownScore(mean) : `${shownScore(mean)} ± ${std.toFixed(2)}`

/** With a real minus: a correlation can be below 0. */
export const shownScore = (score: number): string => score.toFixed(2).replace('-', '−').replace('−0.00', '0.00')

/** `3`, or `2 of 3` where cells failed or are not finished. */
export const shownRuns = ({ runs, cells }: { runs: number; cells: number }): string =>
  runs === cells ? String(runs) : `${runs} of ${cells}`

export function compare(groups: readonly Group[]): Comparison {
  const scored = groups.flatMap((group) => {
    const summary = summaryOf(group)
    return summary ? [{ group, summary }] : []
  })
  const tasks = unique(scored.map(({ group }) => group.task)).map((name) => ({
    name,
    metrics: unique(
      scored.filter(({ group }) => group.task === name).flatMap(({ summary }) => Object.keys(summary.test)),
    ),
  }))
  const methods = unique(scored.map(({ group }) => group.method))
  const byCell = new Map(scored.map((each) => [JSON.stringify([each.group.method, each.group.task]), each]))
  const table = methods.map((method) => tasks.map(({ name }) => byCell.get(JSON.stringify([method, name]))?.summary))
  const averages = table.map((row) => average(row))
  const bestOf = tasks.map((_, column) => best(table.map((row) => row[column]?.score.mean)))
  const bestAverage = best(averages)
  const counts = unique(scored.map(({ summary }) => summary.runs))
  const rows = methods.map((method, row): ComparisonRow => {
    const { result } = scored.find(({ group }) => group.method === method)!.group.finished[0]!
    const mean = averages[row]
    return {
      method,
      share: result.share_percent,
      trained: result.trained_parameters,
      cells: table[row]!.map(
        (summary, column) =>
          summary && {
            text: shownSpread(summary.score),
            runs: summary.runs,
            best: shownScore(summary.score.mean) === bestOf[column],
          },
      ),
      average: mean === undefined ? undefined : { text: shownScore(mean), best: shownScore(mean) === bestAverage },
    }
  })
  return { methods, tasks, rows, runs: counts.length === 1 ? counts[0] : undefined }
}

function average(row: (Summary | undefined)[]): number | undefined {
  if (row.some((summary) => summary === undefined)) return undefined
  return row.reduce((sum, summary) => sum + summary!.score.mean, 0) / row.length
}

/** The highest as it is shown, so that all that look the same are best; none where there is nothing to be better than. */
function best(values: (number | undefined)[]): string | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length > 1 ? shownScore(Math.max(...known)) : undefined
}

/** `rotten-tomatoes (accuracy)`; a task's score is the mean of these. */
const heading = ({ name, metrics }: Comparison['tasks'][number]) => `${name} (${metrics.join(', ')})`

/** What the cells are. */
export function comparisonNote({ runs }: Comparison): string {
  const score = "Test scores × 100, the mean of a task's metrics; the best of a column in bold"
  if (runs === 1) return `${score}. One run each.`
  const over = runs === undefined ? 'the runs in parentheses' : `${runs} runs`
  return `${score}. Mean ± sample standard deviation over ${over} that differ in seeds only.`
}

/** Text of a table's head and body, with what a bold cell looks like and how text is escaped. */
function sheet(comparison: Comparison, bold: (text: string) => string, plain: (text: string) => string) {
  const { tasks, rows, runs } = comparison
  const averaged = tasks.length > 1
  const marked = (cell: { text: string; best: boolean; runs?: number } | undefined) => {
    if (!cell) return plain('–')
    const count = runs === undefined && cell.runs !== undefined ? ` (${cell.runs})` : ''
    return `${cell.best ? bold(plain(cell.text)) : plain(cell.text)}${count}`
  }
  return {
    head: ['method', 'trained, %', ...tasks.map(heading), ...(averaged ? ['average'] : [])].map(plain),
    rows: rows.map(({ method, share, cells, average }) => [
      plain(method),
      plain(share.toPrecision(3)),
      ...cells.map(marked),
      ...(averaged ? [marked(average)] : []),
    ]),
  }
}

export function comparisonMarkdown(comparison: Comparison): string {
  const { head, rows } = sheet(comparison, (text) => `**${text}**`, escapeMarkdown)
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const rule = `|${head.map((_, column) => (column === 0 ? '---' : '---:')).join('|')}|`
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n\n${comparisonNote(comparison)}\n`
}

/** For `\usepackage{booktabs}`. */
export function comparisonLatex(comparison: Comparison): string {
  const { head, rows } = sheet(comparison, (text) => `\\textbf{${text}}`, escapeLatex)
  const line = (cells: string[]) => `${cells.join(' & ')} \\\\`
  return [
    `% ${comparisonNote(comparison)}`,
    `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`,
    '\\toprule',
    line(head),
    '\\midrule',
    ...rows.map(line),
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n')
}
