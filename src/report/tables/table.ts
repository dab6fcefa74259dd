import Table from 'cli-table3'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'

export interface Column {
  head: string
  /** The column holds numbers, which are aligned to the right and never wrapped. */
  right?: boolean
  /**
   * Where the terminal is too narrow, the column with the lowest importance is left out first; a column without one
   * always stays.
   */
  importance?: number
}

/** Words of up to this length are never cut where the column can have that width. */
const LONGEST_WORD = 24
/** Text columns are never narrower than this. */
const NARROWEST = 8

/** Returns the characters per line if standard output is a terminal; otherwise a line may be of any length. */
export const terminalWidth = (): number => (process.stdout.isTTY && process.stdout.columns) || Number.POSITIVE_INFINITY

/**
 * Returns a table of text that fits into `width`: text is wrapped first, then columns are left out by their importance
 * and named below. If no column has a head, there is no head line.
 */
export function drawTable(columns: readonly Column[], rows: readonly string[][], width = terminalWidth()): string {
  const shown = measured(columns, rows)
  const out: string[] = []
  while (least(shown) > width) {
    const dropped = lowest(shown)
    if (!dropped) break
    shown.splice(shown.indexOf(dropped), 1)
    out.push(dropped.head)
  }
  const widths = shrunk(shown, width - frame(shown.length))
  const cell = (text: string, at: number) => wrapped(text, widths[at]!)
  const heads = shown.map(({ head }, at) => cell(head, at))
  const table = new Table({
    ...(heads.some(Boolean) && { head: heads }),
    style: { head: [], border: [], compact: true },
    colAligns: shown.map(({ right }) => (right ? 'right' : 'left')),
  })
  table.push(...rows.map((row) => shown.map(({ i }, at) => cell(row[i]!, at))))
  return out.length === 0 ? table.toString() : `${table}\n${wrapped(leftOut(out), width)}`
}

/** Whether all columns fit, for a table that is useless without one of them. */
export const fits = (columns: readonly Column[], rows: readonly string[][], width = terminalWidth()): boolean =>
  least(measured(columns, rows)) <= width

/** Returns facts by name, one below the other. */
export const drawPairs = (pairs: readonly (readonly [string, string])[], width?: number): string =>
  drawTable(
    [{ head: '' }, { head: '' }],
    pairs.map((pair) => [...pair]),
    width,
  )

const leftOut = (heads: string[]) => `Too narrow for: ${heads.map((head) => head || '#').join(', ')}.`

interface Extent {
  natural: number
  minimal: number
}

/** A column with its index in the rows. */
type Shown = Column & Extent & { i: number }

const measured = (columns: readonly Column[], rows: readonly string[][]): Shown[] =>
  columns.map((column, i) => {
    const cells = rows.map((row) => row[i]!)
    return { ...column, i, ...extent(column, cells) }
  })

/** Returns the natural and the least width of a column. */
function extent({ head, right }: Column, cells: readonly string[]): Extent {
  const lines = cells.flatMap((cell) => cell.split('\n'))
  const widest = longest(lines)
  const natural = Math.max(stringWidth(head), widest)
  const words = Math.min(LONGEST_WORD, longest(lines.flatMap((line) => line.split(' '))))
  return { natural, minimal: Math.min(natural, Math.max(longest(head.split(' ')), right ? widest : words)) }
}

const longest = (texts: readonly string[]) => texts.reduce((most, text) => Math.max(most, stringWidth(text)), 0)
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** The width of borders and the spaces next to them. */
const frame = (columns: number) => 3 * columns + 1

const least = (shown: readonly Shown[]) => sum(shown.map(({ minimal }) => minimal)) + frame(shown.length)

function lowest(shown: Shown[]): Shown | undefined {
  return shown.filter(({ importance }) => importance !== undefined).toSorted((a, b) => a.importance! - b.importance!)[0]
}

const FLOORS = [
  ({ minimal }: Shown) => minimal,
  ({ minimal, right }: Shown) => (right ? minimal : Math.min(minimal, NARROWEST)),
]

/**
 * Returns widths that add up to `room`: the widest column shrinks first, and none below its minimum while others can
 * shrink.
 */
function shrunk(shown: readonly Shown[], room: number): number[] {
  const widths = shown.map(({ natural, minimal }) => Math.min(natural, Math.max(minimal, room)))
  for (const floorOf of FLOORS) {
    const givers = shown.map((column, i) => ({ i, floor: floorOf(column) }))
    while (sum(widths) > room) {
      const able = givers.filter(({ i, floor }) => widths[i]! > floor)
      const widest = able.toSorted((a, b) => widths[b.i]! - widths[a.i]!)[0]
      if (!widest) break
      widths[widest.i]! -= 1
    }
  }
  return widths
}

/**
 * Wraps the text into lines of at most `width` characters, at spaces where possible; lines that fit keep all their
 * spaces.
 */
export const wrapped = (text: string, width: number): string =>
  text
    .split('\n')
    .map((line) => (stringWidth(line) <= width ? line : wrapAnsi(line, width, { hard: true })))
    .join('\n')
