import { assertNever } from '../../base/assert_never.js'
import type { ParameterFormat } from '../../base/choices.js'
import { counted } from '../../base/text/counted.js'
import { csvLine } from '../../base/text/csv.js'
import { escapeMarkdown, markdownTable } from '../../base/text/markdown.js'
import { byteSize } from '../../base/text/size.js'
import type { ParameterRow } from '../../count/parameters.js'
import { escapeLatex, latexComments, latexTable } from './latex.js'
import { drawTable } from './table.js'

/** Returns the report as text: `csv` and `json` have every value exactly, the others are for reading. */
export function formatParameters(rows: readonly ParameterRow[], format: ParameterFormat): string {
  switch (format) {
    case 'json':
      return JSON.stringify(rows, null, 2)
    case 'csv':
      return csv(rows)
    case 'table':
    case 'markdown':
    case 'latex':
      return layouts[format](rows.some((row) => row.breakdown) ? breakdownSheet(rows) : sheet(rows))
    default:
      return assertNever(format, 'format')
  }
}

/** A table of text, and lines below it. */
interface Sheet {
  head: string[]
  /** Columns of numbers, which are aligned to the right. */
  numeric: Set<string>
  rows: string[][]
  notes: string[]
}

const layouts = { table, markdown, latex }

const whole = (value: number) => value.toLocaleString('en')
const percent = (value: number) => `${value.toFixed(value < 10 ? 4 : 2)} %`

type Column = [head: string, cell: (row: ParameterRow) => string]

const number =
  (key: 'trained_parameters' | 'share_percent' | 'checkpoint_bytes' | 'optimizer_bytes', text: (n: number) => string) =>
  (row: ParameterRow): string =>
    row[key] === null ? '–' : text(row[key])

function sheet(rows: readonly ParameterRow[]): Sheet {
  const numbers: Column[] = [
    ['trained', number('trained_parameters', whole)],
    ['share', number('share_percent', percent)],
    [counted(rows[0]?.tasks ?? 0, 'task'), (row) => row.total_parameters_ratio?.toFixed(3) ?? '–'],
    ['on disk', number('checkpoint_bytes', byteSize)],
    ['optimiser', number('optimizer_bytes', byteSize)],
  ]
  const columns: Column[] = [...named(rows), ...numbers, ['complexity', (row) => row.complexity]]
  return {
    head: columns.map(([head]) => head),
    numeric: new Set(numbers.map(([head]) => head)),
    rows: rows.map((row) => columns.map(([, cell]) => cell(row))),
    notes: notes(rows),
  }
}

/** Returns the columns that name method and backbone; changed options only where there are any. */
function named(rows: readonly ParameterRow[]): Column[] {
  const changes: Column = ['changed', (row) => row.changes.join(', ')]
  return [
    ['backbone', (row) => row.backbone],
    ['method', (row) => row.method],
    ...(rows.some((row) => row.changes.length > 0) ? [changes] : []),
  ]
}

function breakdownSheet(rows: readonly ParameterRow[]): Sheet {
  const columns = named(rows)
  const lines = rows.flatMap((row) =>
    (row.breakdown ?? []).map(({ name, shape, tensors, parameters, share_percent }) => [
      ...columns.map(([, cell]) => cell(row)),
      name,
      shape ? `[${shape.join(', ')}]` : whole(tensors),
      whole(parameters),
      `${share_percent.toFixed(2)} %`,
    ]),
  )
  const ofOneTensor = rows.some((row) => row.breakdown?.some(({ shape }) => shape))
  const size = ofOneTensor ? 'shape' : 'tensors'
  return {
    head: [...columns.map(([head]) => head), 'part', size, 'trained', 'of all trained'],
    numeric: new Set([size, 'trained', 'of all trained']),
    rows: lines,
    notes: notes(rows),
  }
}

/** Says how large each backbone is, and what does not fit it. */
function notes(rows: readonly ParameterRow[]): string[] {
  const sizes = new Map(rows.map((row) => [row.backbone, sizeOf(row)]))
  const misfits = rows.flatMap(({ backbone, method, problem }) =>
    problem === undefined ? [] : [`${method} does not fit ${backbone}: ${problem}`],
  )
  return [...[...sizes].map(([backbone, size]) => `${backbone} has ${size}`), ...misfits]
}

function sizeOf({ backbone_parameters, head_parameters }: ParameterRow): string {
  const head = head_parameters === null ? '' : ` Its head is trained too, ${whole(head_parameters)} for two labels.`
  return `${whole(backbone_parameters)} parameters.${head}`
}

/** Columns that may be left out where the terminal is narrow. */
const IMPORTANCE: Record<string, number> = {
  complexity: 1,
  optimiser: 2,
  'on disk': 5,
  share: 6,
  'of all trained': 5,
  tensors: 1,
  shape: 4,
}

function table({ head, numeric, rows, notes }: Sheet): string {
  const columns = head.map((name) => {
    const importance = IMPORTANCE[name] ?? (name.endsWith(' tasks') ? 4 : undefined)
    return { head: name, right: numeric.has(name), ...(importance !== undefined && { importance }) }
  })
  return [drawTable(columns, rows), ...notes].join('\n')
}

function markdown({ head, numeric, rows, notes }: Sheet): string {
  const escaped = (cells: string[]) => cells.map(escapeMarkdown)
  const table = markdownTable(
    escaped(head),
    rows.map(escaped),
    head.map((name) => numeric.has(name)),
  )
  return [table, '', ...notes.map((note) => `- ${escapeMarkdown(note)}`)].join('\n')
}

/** Returns a table for `\usepackage{booktabs}`. */
function latex({ head, numeric, rows, notes }: Sheet): string {
  const cellsOf = (cells: string[]) => cells.map(escaped)
  const table = latexTable(
    cellsOf(head),
    rows.map(cellsOf),
    head.map((name) => numeric.has(name)),
  )
  return [...latexComments(notes), table].join('\n')
}

/** A complexity such as O(kd/n) is mathematics, the rest is text. */
const escaped = (cell: string) => (/^O\(.*\)$/.test(cell) ? `$${cell}$` : escapeLatex(cell))

/**
 * Returns RFC 4180 with a line for each row, or for each part of it. Values are as in JSON; the options are in one
 * field, as JSON.
 */
function csv(rows: readonly ParameterRow[]): string {
  const records = rows.flatMap(({ breakdown, ...row }): object[] =>
    breakdown
      ? breakdown.map(({ name, shape, tensors, parameters, share_percent }) => ({
          backbone: row.backbone,
          method: row.method,
          part: name,
          shape,
          tensors,
          parameters,
          share_percent,
        }))
      : [{ ...row, problem: row.problem }],
  )
  const lines = [Object.keys(records[0] ?? {}), ...records.map((record): unknown[] => Object.values(record))]
  return lines.map((line) => `${csvLine(line)}\r`).join('\n') // the terminal adds the last line feed
}
