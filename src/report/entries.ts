import Table from 'cli-table3'
import type { Entry } from '../experiment/catalogue.js'

/** A column a property, the description last and as wide as the terminal allows. */
export function entryTable(entries: readonly Entry[]): string {
  const columns = Object.keys(entries[0] ?? { name: '' })
  const numeric = columns.filter((column) => typeof entries[0]?.[column] === 'number')
  const table = new Table({
    head: columns.map((column) => column.replaceAll('_', ' ')),
    style: { head: [], border: [] },
    colAligns: columns.map((column) => (numeric.includes(column) ? 'right' : 'left')),
  })
  table.push(...entries.map((entry) => columns.map((column) => cell(entry[column]!))))
  return table.toString()
}

const cell = (value: string | number) => (Number.isInteger(value) ? value.toLocaleString('en') : String(value))
