import { type Range, rangeOf, shownRange } from '../base/numbers/range.js'
import { escapeMarkdown, markdownTable } from '../base/text/markdown.js'
import type { ColumnChance } from '../run/compare/chance.js'
import { type Group, type Summary, summaryOf, unique } from '../run/compare/groups.js'
import { shownScore, shownSpread } from '../run/compare/spread.js'
import { bestFirst, lowerScoreIsBetter, unitsOf } from '../task/metrics/direction.js'
import { columnChance } from './chance.js'
import { escapeLatex, latexComments, latexTable } from './tables/latex.js'

/** Methods × tasks: test scores. Only validation decides what is best, and the order. */
export interface Comparison {
  /** The methods that have a score, best first. */
  methods: string[]
  tasks: { name: string; metrics: string[]; chance: ColumnChance | undefined }[]
  rows: ComparisonRow[]
  /**
   * Whether a mean over all columns makes sense: there are several tasks, none with an error in its own unit, and a
   * method has them all.
   */
  averaged: boolean
  /** The number of finished runs of every cell where it is the same, otherwise undefined. */
  runs: number | undefined
}

export interface ComparisonRow {
  method: string
  /** Trained parameters relative to the backbone's, in %: tasks can have heads of several sizes. */
  share: Range
  trained: Range
  cells: (Cell | undefined)[]
  /** Mean over all tasks, if the method was trained on each. */
  average: Omit<Cell, 'runs'> | undefined
}

export interface Cell {
  /** The score on test. */
  text: string
  validation: string
  runs: number
  /** Whether it is the best on validation. */
  best: boolean
}

/** Returns `3`, or `2 of 3` where cells failed or are not finished. */
export const shownRuns = ({ runs, cells }: { runs: number; cells: number }): string =>
  runs === cells ? String(runs) : `${runs} of ${cells}`

export function compare(groups: readonly Group[]): Comparison {
  const scored = groups.flatMap((group) => {
    const summary = summaryOf(group)
    return summary ? [{ group, summary }] : []
  })
  const tasks = unique(scored.map(({ group }) => group.task)).map((name) => ({
    name,
    metrics: scored.find(({ group }) => group.task === name)!.group.metrics,
    chance: columnChance(groups.filter(({ task }) => task === name)),
  }))
  const byCell = new Map(scored.map((each) => [JSON.stringify([each.group.method, each.group.task]), each]))
  const unsorted = unique(scored.map(({ group }) => group.method)).map((method) => {
    const cells = tasks.map(({ name }) => byCell.get(JSON.stringify([method, name])))
    const results = cells.flatMap((cell) => cell?.group.finished.map(({ result }) => result) ?? [])
    return { method, results, summaries: cells.map((cell) => cell?.summary) }
  })
  const averaged =
    tasks.length > 1 &&
    tasks.every(({ metrics }) => !lowerScoreIsBetter(metrics)) &&
    unsorted.some(({ summaries }) => summaries.every((summary) => summary !== undefined))
  const lines = sorted(unsorted, tasks, averaged)
  const bestOf = tasks.map(({ metrics }, column) =>
    best(
      lines.map(({ summaries }) => summaries[column]?.validation_score.mean),
      metrics,
    ),
  )
  const bestAverage = best(
    lines.map(({ summaries }) => average(summaries, 'validation_score')),
    [],
  )
  const counts = unique(scored.map(({ summary }) => summary.runs))
  const rows = lines.map(({ method, results, summaries }): ComparisonRow => {
    const [mean, validation] = (['score', 'validation_score'] as const).map((of) => average(summaries, of))
    return {
      method,
      share: rangeOf(results.map(({ share_percent }) => share_percent))!,
      trained: rangeOf(results.map(({ trained_parameters }) => trained_parameters))!,
      cells: summaries.map((summary, column) => summary && cellOf(summary, bestOf[column])),
      average:
        mean === undefined || validation === undefined || !averaged
          ? undefined
          : {
              ...{ text: shownScore(mean), validation: shownScore(validation) },
              best: shownScore(validation) === bestAverage,
            },
    }
  })
  const methods = rows.map(({ method }) => method)
  return { methods, tasks, rows, averaged, runs: counts.length === 1 ? counts[0] : undefined }
}

const cellOf = ({ score, validation_score, runs }: Summary, best: string | undefined): Cell => ({
  text: shownSpread(score),
  validation: shownSpread(validation_score),
  runs,
  best: shownScore(validation_score.mean) === best,
})

type Line = { summaries: (Summary | undefined)[] }

/**
 * Sorts by validation scores, best first: by the average where there is one, then by the first column in which a method
 * has a score. Methods with fewer missing columns come first.
 */
function sorted<Of extends Line>(lines: Of[], tasks: Comparison['tasks'], averaged: boolean): Of[] {
  const keyed = lines.map((line) => {
    const column = line.summaries.findIndex((summary) => summary !== undefined)
    const missing = line.summaries.filter((summary) => summary === undefined).length
    const own = line.summaries[column]!.validation_score.mean
    const score = averaged && missing === 0 ? average(line.summaries, 'validation_score')! : own
    return { line, missing, column, score }
  })
  return keyed
    .sort(
      (a, b) => a.missing - b.missing || a.column - b.column || bestFirst(tasks[a.column]!.metrics)(a.score, b.score),
    )
    .map(({ line }) => line)
}

function average(row: (Summary | undefined)[], of: 'score' | 'validation_score'): number | undefined {
  if (row.some((summary) => summary === undefined)) return undefined
  return row.reduce((sum, summary) => sum + summary![of].mean, 0) / row.length
}

/** Returns the best value as it is shown, so that all that look the same are best; undefined with a single value. */
function best(values: (number | undefined)[], metrics: readonly string[]): string | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length > 1 ? shownScore(known.sort(bestFirst(metrics))[0]!) : undefined
}

/** Returns `rotten-tomatoes (accuracy)`: a task's score is the mean of the metrics in parentheses. */
const heading = ({ name, metrics }: Comparison['tasks'][number]) => `${name} (${metrics.join(', ')})`

/** Follows the score of a cell that is the best of its column on validation: on test another one may be better. */
export const CHOSEN = '†'

/** Returns `0.0731`, or `0.0731–0.102` where it differs between tasks. */
export const shownShare = (share: Range): string => shownRange(share, (percent) => percent.toPrecision(3))

/** Says what the cells show. */
export function comparisonNote({ runs, rows, tasks }: Comparison): string {
  const units = unitsOf(tasks.flatMap(({ metrics }) => metrics))
  const mean = tasks.some(({ metrics }) => metrics.length > 1) ? ", the mean of a task's metrics" : ''
  const order =
    rows.length > 1
      ? `; rows are in the order of their validation scores, and ${CHOSEN} marks the best of a column on validation`
      : ''
  const score = `Test scores ${units}${mean}${order}`
  const over = runs === undefined ? 'the runs in parentheses' : `${runs} runs`
  const spread =
    runs === 1
      ? rows.length === 1 && tasks.length === 1
        ? 'One run.'
        : 'One run each.'
      : `Mean ± sample standard deviation over ${over} that differ in seeds only.`
  const chances = tasks.flatMap(({ name, chance }) =>
    chance ? [`${tasks.length > 1 ? `${name}, ` : ''}${chance.text}: ${shownScore(chance.test)}`] : [],
  )
  return [`${score}.`, spread, ...(chances.length > 0 ? [`Chance on test: ${chances.join('; ')}.`] : [])].join(' ')
}

/** Returns the text of a table's head and body; `bold` marks the best cells on validation, `plain` escapes text. */
function sheet(comparison: Comparison, bold: (text: string) => string, plain: (text: string) => string) {
  const { tasks, rows, runs, averaged } = comparison
  const marked = (cell: { text: string; best: boolean; runs?: number } | undefined) => {
    if (!cell) return plain('–')
    const count = runs === undefined && cell.runs !== undefined ? ` (${cell.runs})` : ''
    return `${cell.best ? bold(plain(cell.text)) : plain(cell.text)}${count}`
  }
  return {
    head: ['method', 'trained, %', ...tasks.map(heading), ...(averaged ? ['average'] : [])].map(plain),
    rows: rows.map(({ method, share, cells, average }) => [
      plain(method),
      plain(shownShare(share)),
      ...cells.map(marked),
      ...(averaged ? [marked(average)] : []),
    ]),
  }
}

export function comparisonMarkdown(comparison: Comparison, cautions: readonly string[] = []): string {
  const { head, rows } = sheet(comparison, (text) => `**${text}** ${CHOSEN}`, escapeMarkdown)
  const notes = [comparisonNote(comparison), ...cautions.map((text) => escapeMarkdown(`Caution: ${text}`))]
  return `${[markdownTable(head, rows, afterMethod(head)), ...notes].join('\n\n')}\n`
}

/** Returns a table for `\usepackage{booktabs}`. */
export function comparisonLatex(comparison: Comparison, cautions: readonly string[] = []): string {
  const { head, rows } = sheet(comparison, (text) => `\\textbf{${text}}$^\\dagger$`, escapeLatex)
  const notes = latexComments([comparisonNote(comparison), ...cautions.map((text) => `Caution: ${text}`)])
  return `${[...notes, latexTable(head, rows, afterMethod(head))].join('\n')}\n`
}

/** Columns of numbers. */
const afterMethod = (head: string[]) => head.map((_, column) => column > 0)
