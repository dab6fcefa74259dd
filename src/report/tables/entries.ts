import type { Entry } from '../../catalogue/catalogue.js'
import { drawTable } from './table.js'

const STAY = ['name', 'description']

/** Returns a column for each property; the description is last and as wide as the terminal allows. */
export function entryTable(entries: readonly Entry[]): string {
  const columns = Object.keys(entries[0] ?? { name: '' })
  const numeric = columns.filter((column) => typeof entries[0]?.[column] === 'number')
  return drawTable(
    columns.map((column, i) => ({
      head: column.replaceAll('_', ' '),
      right: numeric.includes(column),
      ...(!STAY.includes(column) && { importance: -i }),
    })),
    entries.map((entry) => columns.map((column) => cell(entry[column]!))),
  )
}

const cell = (value: string | number) => (Number.isInteger(value) ? value.toLocaleString('en') : String(value))
