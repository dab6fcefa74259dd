import { assertNever } from '../../base/assert_never.js'
import type { ResultFormat } from '../../base/choices.js'
import { type Range, shownRange } from '../../base/numbers/range.js'
import { counted } from '../../base/text/counted.js'
import { csvLine } from '../../base/text/csv.js'
import { escapeMarkdown, markdownTable } from '../../base/text/markdown.js'
import { shownScore, shownSpread } from '../../run/compare/spread.js'
import type { PaperRow, PaperTable } from '../../sweep/results/paper_table.js'
import { unitsOf } from '../../task/metrics/direction.js'
import { escapeLatex, latexComments, latexTable } from '../tables/latex.js'
import { drawTable } from '../tables/table.js'

interface Column {
  head: string
  text: (row: PaperRow) => string
  /** Undefined for what is never left out of a narrow terminal. */
  importance?: number
}

/** Of a narrow terminal the last tasks are left out, after all else. */
const FIRST_TASK = 10

/** Follows a score of which not all cells are finished. */
const INCOMPLETE = '*'

/** Returns a sweep in the paper's form: a line for each method, a column for each task; empty where nothing was run. */
export function formatPaperTable(table: PaperTable, format: ResultFormat): string {
  const columns = columnsOf(table)
  const head = columns.map(({ head }) => head)
  const rows = table.rows.map((row) => columns.map(({ text }) => text(row)))
  const right = columns.map((_, i) => i > 0)
  switch (format) {
    case 'table': {
      const drawn = columns.map(({ head, importance }, i) => ({
        ...{ head, right: i > 0 },
        ...(importance !== undefined && { importance }),
      }))
      return [drawTable(drawn, rows), ...notesOf(table)].join('\n')
    }
    case 'csv':
      return [head, ...rows].map(csvLine).join('\n')
    case 'markdown': {
      const escaped = [head, ...rows].map((cells) => cells.map(escapeMarkdown))
      const notes = notesOf(table).map((note) => `- ${escapeMarkdown(note)}`)
      return [
        `# ${escapeMarkdown(table.name)}`,
        '',
        markdownTable(escaped[0]!, escaped.slice(1), right),
        '',
        ...notes,
      ].join('\n')
    }
    case 'latex': {
      const escaped = [head, ...rows].map((cells) => cells.map(escapeLatex))
      return [...latexComments(notesOf(table)), latexTable(escaped[0]!, escaped.slice(1), right)].join('\n')
    }
    default:
      return assertNever(format, 'format of a table')
  }
}

function columnsOf({ tasks, rows }: PaperTable): Column[] {
  const paper = (head: string, of: keyof PaperRow['paper'], shown: (value: number) => string, importance: number) =>
    rows.some((row) => row.paper[of] !== undefined)
      ? [{ head, importance, text: (row: PaperRow) => textOf(row.paper[of], shown) }]
      : []
  const costs = rows.some(({ time_percent, memory_percent }) => time_percent !== null || memory_percent !== null)
  return [
    { head: 'method', text: ({ method }) => method },
    ...tasks.map((task, i) => ({
      head: shortName(task, tasks),
      importance: FIRST_TASK - i / tasks.length,
      text: ({ scores }: PaperRow) => shownCell(scores[i]!),
    })),
    ...(tasks.length > 1 ? [{ head: 'average', text: ({ average }: PaperRow) => textOf(average, shownScore) }] : []),
    {
      head: 'trained',
      importance: 1,
      text: (row) => rangeText(row.trained_parameters, (n) => n.toLocaleString('en')),
    },
    { head: 'trained %', importance: 4, text: (row) => rangeText(row.share_percent, shownShare) },
    ...paper('paper %', 'share_percent', shownShare, 3),
    ...(costs
      ? [
          { head: 'time %', importance: 6, text: (row: PaperRow) => textOf(row.time_percent, shownScore) },
          ...paper('paper time %', 'time_percent', shownScore, 5),
          { head: 'memory %', importance: 6, text: (row: PaperRow) => textOf(row.memory_percent, shownScore) },
          ...paper('paper memory %', 'memory_percent', shownScore, 5),
        ]
      : []),
  ]
}

/** Returns `rte` for `glue/rte`, where no other task is called so. */
function shortName(task: string, tasks: readonly string[]): string {
  const last = (name: string) => name.split('/').at(-1)!
  return tasks.filter((other) => last(other) === last(task)).length === 1 ? last(task) : task
}

function shownCell(score: PaperRow['scores'][number]): string {
  if (!score) return ''
  return shownSpread(score.test) + (score.runs < score.cells ? INCOMPLETE : '')
}

const textOf = (value: number | null | undefined, shown: (value: number) => string): string =>
  value === null || value === undefined ? '' : shown(value)

const rangeText = (range: Range | null, shown: (value: number) => string): string =>
  range ? shownRange(range, shown) : ''

const shownShare = (percent: number): string => (percent >= 99.95 ? '100' : percent.toFixed(3))

function notesOf({ rows, tasks, source, runs, cells, cautions }: PaperTable): string[] {
  const scores = rows.flatMap((row) => row.scores.filter((score) => score !== null))
  const searched = scores.some(({ setting }) => Object.keys(setting).length > 0)
  const costs = rows.some(({ time_percent }) => time_percent !== null)
  const incomplete = scores.some((score) => score.runs < score.cells)
  return [
    `Test scores ${unitsOf(scores.flatMap(({ metrics }) => metrics))}, each the mean of its task's metrics` +
      (scores.some(({ test }) => test.std !== null) ? '; ± sample standard deviation over seeds.' : '.'),
    ...(searched ? ['Bottlenecks and learning rates are those that are best on validation, for each task.'] : []),
    ...(tasks.length === 1 && costs ? ["Time of a step and peak memory: less full fine-tuning's, in % of it."] : []),
    ...(rows.some(({ paper }) => Object.keys(paper).length > 0) ? [`The paper's numbers: ${source}.`] : []),
    ...(incomplete ? [`${INCOMPLETE} Not all settings and seeds are finished.`] : []),
    ...(runs < cells ? [`${runs} of ${counted(cells, 'cell')} ${runs === 1 ? 'is' : 'are'} finished.`] : []),
    ...cautions.map((text) => `Caution: ${text}`),
  ]
}
