import { randperm } from '../random.js'

/** GLUE and SuperGLUE hide their test labels, so test sets are made; this seed decides which rows. */
const SPLIT_SEED = 42
const HELD_OUT = 1000

/** Small tasks: validation and test are the halves of the official validation set, which has `rows` rows. */
export function halves(rows: number): { validation: number[]; test: number[] } {
  return inHalves([...randperm(rows, SPLIT_SEED)])
}

/**
 * The same for rows that belong together (MultiRC: a question's answers): groups are halved, in the order of their
 * first row, and each keeps all of its rows.
 */
export function groupedHalves(groups: (string | number)[]): { validation: number[]; test: number[] } {
  const rowsOf = new Map<string | number, number[]>()
  for (const [row, group] of groups.entries()) {
    const rows = rowsOf.get(group)
    if (rows) rows.push(row)
    else rowsOf.set(group, [row])
  }
  const members = [...rowsOf.values()]
  const { validation, test } = halves(members.length)
  return { validation: validation.flatMap((i) => members[i]!), test: test.flatMap((i) => members[i]!) }
}

/** Large tasks: 1000 rows of the official training set are validation; the official validation set is test. */
export function heldOut(trainingRows: number): { train: number[]; validation: number[] } {
  const order = [...randperm(trainingRows, SPLIT_SEED)]
  return { train: order.slice(HELD_OUT), validation: order.slice(0, HELD_OUT) }
}

function inHalves(order: number[]): { validation: number[]; test: number[] } {
  const middle = Math.floor(order.length / 2)
  return { validation: order.slice(0, middle), test: order.slice(middle) }
}
