import type { Split } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import { randperm } from '../../base/numbers/random.js'
import type { Subset, TaskOptions } from '../options.js'

/**
 * GLUE and SuperGLUE hide their test labels, so test sets are made; this seed is the default for drawing their rows.
 */
export const SPLIT_SEED = 42

/** Small tasks: validation and test are the halves of the official validation set, which has `rows` rows. */
export function halves(rows: number, seed = SPLIT_SEED): { validation: number[]; test: number[] } {
  return inHalves([...randperm(rows, seed)])
}

/**
 * As `halves`, for rows that belong together (MultiRC: a question's answers): groups are halved, in the order of their
 * first row, and each keeps all of its rows.
 */
export function groupedHalves(
  groups: (string | number)[],
  seed = SPLIT_SEED,
): { validation: number[]; test: number[] } {
  const members = membersOf(groups)
  const { validation, test } = halves(members.length, seed)
  return { validation: validation.flatMap((i) => members[i]!), test: test.flatMap((i) => members[i]!) }
}

/** Large tasks: `count` rows of the official training set are validation; the official validation set is test. */
export function heldOut(
  trainingRows: number,
  count: number,
  seed = SPLIT_SEED,
): { train: number[]; validation: number[] } {
  const order = [...randperm(trainingRows, seed)]
  return { train: order.slice(count), validation: order.slice(0, count) }
}

/** As `heldOut`, for rows that belong together: groups are drawn until they have `count` rows. */
export function groupedHeldOut(
  groups: (string | number)[],
  count: number,
  seed = SPLIT_SEED,
): { train: number[]; validation: number[] } {
  const members = membersOf(groups)
  const train: number[] = []
  const validation: number[] = []
  for (const i of randperm(members.length, seed)) {
    const split = validation.length < count ? validation : train
    split.push(...members[i]!)
  }
  return { train, validation }
}

/** One file for all: `count` rows of the training set are validation, and as many are test. */
export function bothHeldOut(trainingRows: number, count: number, seed = SPLIT_SEED): Record<Split, number[]> {
  const { train: rest, validation } = heldOut(trainingRows, count, seed)
  return { train: rest.slice(count), validation, test: rest.slice(0, count) }
}

/**
 * As `bothHeldOut`, for rows that belong together: groups are drawn until validation has `count` rows, then until test
 * has.
 */
export function groupedBothHeldOut(
  groups: (string | number)[],
  count: number,
  seed = SPLIT_SEED,
): Record<Split, number[]> {
  const { train: rest, validation } = groupedHeldOut(groups, count, seed) // a group's rows are consecutive
  const next = rest.findIndex((row, i) => i >= count && groups[row] !== groups[rest[i - 1]!])
  const end = next < 0 ? rest.length : next
  return { train: rest.slice(end), validation, test: rest.slice(0, end) }
}

/** Returns the rows of each group, groups in the order of their first row. */
function membersOf(groups: (string | number)[]): number[][] {
  const rowsOf = new Map<string | number, number[]>()
  for (const [row, group] of groups.entries()) {
    const rows = rowsOf.get(group)
    if (rows) rows.push(row)
    else rowsOf.set(group, [row])
  }
  return [...rowsOf.values()]
}

function inHalves(order: number[]): { validation: number[]; test: number[] } {
  const middle = Math.floor(order.length / 2)
  return { validation: order.slice(0, middle), test: order.slice(middle) }
}

/** A subset that does not fit a training split, and the key that is wrong. */
export interface SubsetProblem {
  key: 'size' | 'stratified'
  problem: string
  remedy: string
}

/**
 * Returns what is wrong with a subset of a training split of `rows`: it is larger, or stratified although free texts
 * and tags of words have no labels.
 */
export function subsetProblem(
  { kind, name }: Pick<TaskOptions, 'kind' | 'name'>,
  { size, stratified }: Omit<Subset, 'seed'>,
  rows: number,
): SubsetProblem | undefined {
  if (size > rows) {
    const problem = `a subset of ${size} rows; the training split of ${name} has ${rows}.`
    return { key: 'size', problem, remedy: `Choose ${rows} or fewer.` }
  }
  if (!stratified || (kind !== 'text' && kind !== 'token_classification')) return undefined
  return {
    key: 'stratified',
    problem: `a stratified subset keeps the share of each label; the task ${name} is of kind ${kind} and has none.`,
    remedy: 'Leave stratified out.',
  }
}

/** Checks a subset as `subsetProblem` does. @throws UserError that names `at`. */
export function checkSubset(...[task, subset, rows, at]: [...Parameters<typeof subsetProblem>, at: string]): void {
  const wrong = subsetProblem(task, subset, rows)
  if (wrong) throw new UserError({ at, problem: wrong.problem, remedy: wrong.remedy })
}

/**
 * Returns indices into a training split of `total` rows, which has at least `size`: the first of randperm(total, seed)
 * or, stratified, the first of each label in that order, with every label's share of the rows kept (largest
 * remainders).
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

/**
 * Returns how many rows of each label make up `size`, in proportion; what rounding down leaves goes to the largest
 * remainders.
 */
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
