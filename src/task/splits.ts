import { UserError } from '../error.js'
import { randperm } from '../random.js'
import type { Subset, TaskOptions } from './options.js'
import type { Split } from './rows.js'

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

/** The rows that a split has of its source's `total`, before any subset; `groups` are those of rows that belong together. */
export function splitRows(
  { split: way }: TaskOptions,
  split: Split,
  total: number,
  groups?: string[],
): ArrayLike<number> {
  if (way === 'halves' && split !== 'train') return (groups ? groupedHalves(groups) : halves(total))[split]
  if (way === 'held_out' && split !== 'test') return heldOut(total)[split]
  return Int32Array.from({ length: total }, (_, row) => row)
}

/**
 * Checks that a training split of so many rows has the subset; `at` is what the error names.
 * @throws UserError for one that is larger, or stratified where free texts are no labels that could keep their share.
 */
export function checkSubset(
  { kind, name }: Pick<TaskOptions, 'kind' | 'name'>,
  { size, stratified }: Omit<Subset, 'seed'>,
  rows: number,
  at: string,
): void {
  if (size > rows) {
    const remedy = `Choose ${rows} or fewer.`
    throw new UserError({ at, problem: `a subset of ${size} rows; the training split of ${name} has ${rows}.`, remedy })
  }
  if (!stratified || kind !== 'text') return
  throw new UserError({
    at,
    problem: `a stratified subset keeps the share of each label; the task ${name} is of kind text and has none.`,
    remedy: 'Leave stratified out.',
  })
}

/**
 * Indices into a training split of `total` rows, of which there are at least `size`: the first of randperm(total, seed)
 * or, stratified, the first of each label in that order, with every label's share of the rows (largest remainders) kept.
 */
export function subsetIndices(
  { size, seed }: Omit<Subset, 'stratified'>,
  total: number,
  labels?: string[],
): Int32Array {
  const order = randperm(total, seed)
  if (!labels) return order.slice(0, size)
  const left = quotas(labels, size)
  return order.filter((index) => {
    const label = labels[index]!
    const quota = left.get(label)!
    if (quota > 0) left.set(label, quota - 1)
    return quota > 0
  })
}

/** Rows of each label that make up `size`, in proportion; what rounding down leaves goes to the largest remainders. */
function quotas(labels: string[], size: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const shares = [...counts].map(([label, count]) => ({ label, share: (count * size) / labels.length }))
  const given = new Map(shares.map(({ label, share }) => [label, Math.floor(share)]))
  let rest = size - [...given.values()].reduce((sum, count) => sum + count, 0)
  const byRemainder = shares.sort((a, b) => (b.share % 1) - (a.share % 1) || (a.label < b.label ? -1 : 1))
  for (const { label } of byRemainder) if (rest-- > 0) given.set(label, given.get(label)! + 1)
  return given
}
