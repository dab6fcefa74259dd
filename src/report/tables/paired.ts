import { assertNever } from '../../base/assert_never.js'
import type { ComparisonFormat } from '../../base/choices.js'
import { escapeMarkdown, markdownTable } from '../../base/text/markdown.js'
import { countedUnits, shownLevel, shownP } from '../../compare/claim.js'
import type { Comparisons } from '../../compare/compare.js'
import type { Comparison, TestName } from '../../compare/pairs.js'
import { shownScore } from '../../run/compare/spread.js'
import { unitsOf } from '../../task/metrics/direction.js'
import { escapeLatex, latexComments, latexTable } from './latex.js'
import { type Column, drawTable } from './table.js'

/** Marks of corrected p-values below a bound, as tables of papers have them. */
const MARKS = [
  ['***', 0.001],
  ['**', 0.01],
  ['*', 0.05],
] as const

const markOf = ({ p_corrected }: Comparison): string => MARKS.find(([, bound]) => p_corrected < bound)?.[0] ?? ''

/** Returns what `compare` prints: a row for each comparison, what each of them shows in words, and how it was found. */
export function comparisonsText(found: Comparisons, format: ComparisonFormat): string {
  const columns = columnsOf(found)
  const rows = found.comparisons.map((comparison) => columns.map(({ cell }) => cell(comparison)))
  const claims = found.comparisons.map(({ claim }) => claim)
  const right = columns.map((column) => column.right === true)
  const heads = columns.map(({ head }) => head)
  switch (format) {
    case 'table':
      return [drawTable(columns, rows), ...claims, '', ...notesOf(found)].join('\n')
    case 'markdown': {
      const escaped = rows.map((row) => row.map(escapeMarkdown))
      const list = claims.map((claim) => `- ${escapeMarkdown(claim)}`)
      return [markdownTable(heads, escaped, right), '', ...list, '', escapeMarkdown(notesOf(found).join(' '))].join(
        '\n',
      )
    }
    case 'latex': {
      const escaped = rows.map((row) => row.map(latexCell))
      const notes = latexComments([...claims, ...notesOf(found)])
      return [...notes, latexTable(heads.map(escapeLatex), escaped, right)].join('\n')
    }
    default:
      return assertNever(format, 'format')
  }
}

/** Stars stand above the line, as in papers. */
const latexCell = (text: string): string => escapeLatex(text).replace(/\*+$/, (stars) => `$^{${stars}}$`)

type Shown = Column & { cell(comparison: Comparison): string }

function columnsOf({ comparisons, level }: Comparisons): Shown[] {
  const several = comparisons.length > 1
  const metrics = new Set(comparisons.map(({ metric }) => metric))
  const right = true
  return [
    ...(metrics.size > 1 ? [{ head: 'metric', cell: ({ metric }: Comparison) => metric }] : []),
    { head: 'method', cell: ({ method }) => method },
    { head: 'against', cell: ({ against }) => against },
    {
      head: [...metrics].length === 1 ? [...metrics][0]! : 'score',
      right,
      cell: ({ scores }) => shownScore(scores[0]),
    },
    { head: "against's", right, importance: 2, cell: ({ scores }) => shownScore(scores[1]) },
    { head: 'difference', right, cell: (each) => `${shownScore(each.difference)}${markOf(each)}` },
    {
      head: `${shownLevel(level)} interval`,
      right,
      importance: 4,
      cell: ({ interval }) => interval?.map(shownScore).join(' to ') ?? '',
    },
    { head: 'p', right, importance: several ? 1 : 5, cell: ({ p }) => shownP(p).replace('= ', '') },
    ...(several
      ? [
          {
            head: 'p, corrected',
            right,
            importance: 5,
            cell: ({ p_corrected }: Comparison) => shownP(p_corrected).replace('= ', ''),
          },
        ]
      : []),
    {
      head: 'smallest shown',
      right,
      importance: 3,
      cell: ({ smallest_difference: smallest }) => (smallest === null ? '' : shownScore(smallest)),
    },
  ]
}

const TESTS: Record<TestName, string> = {
  mcnemar: "McNemar's exact test",
  randomisation: 'approximate randomisation',
  seeds_and_rows: "Student's t over seeds and rows",
}

function notesOf(found: Comparisons): string[] {
  const { comparisons, methods, split, resamples } = found
  const metrics = [...new Set(comparisons.map(({ metric }) => metric))]
  const tests = [...new Set(comparisons.map(({ test }) => TESTS[test]))]
  const corrected = comparisons.length > 1 ? `, corrected by Holm over ${comparisons.length} comparisons` : ''
  const marks = MARKS.map(([mark, bound]) => `${mark} below ${bound}`).toReversed()
  return [
    `Scores ${unitsOf(metrics)} of ${countedUnits(found)}, ${split}; intervals by a paired bootstrap of ` +
      `${resamples.toLocaleString('en')} resamples; p by ${tests.join(' and ')}${corrected}: ${marks.join(', ')}.`,
    ...(methods.some(({ runs }) => runs.length === 1)
      ? ['A method with one run is that one training: another seed may turn a difference around.']
      : []),
  ]
}
