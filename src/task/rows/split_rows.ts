import { SPLITS, type Split } from '../../base/choices.js'
import { counted } from '../../base/text/counted.js'
import type { TaskOptions } from '../options.js'
import { TaskMisfit } from './misfit.js'
import { bothHeldOut, groupedBothHeldOut, groupedHalves, groupedHeldOut, halves, heldOut } from './splits.js'

/**
 * The rows of a source before they are split: how many, the group of each where rows belong together, and the file for
 * errors.
 */
export interface Whole {
  total: number
  groups?: string[] | undefined
  file: string
}

/**
 * Returns which of its source's rows a split has, before any subset.
 * @throws TaskMisfit where the task's way of splitting would leave a split without rows.
 */
export function splitRows(task: TaskOptions, split: Split, whole: Whole): ArrayLike<number> {
  if (task.split === 'halves' && split !== 'train') return twoHalves(task, whole)[split]
  if (task.split === 'held_out' && split !== 'test') return restAndHeldOut(task, whole)[split]!
  if (task.split === 'both_held_out') return restAndHeldOut(task, whole)[split]!
  return Int32Array.from({ length: whole.total }, (_, row) => row)
}

function twoHalves({ split_seed: seed }: TaskOptions, whole: Whole): { validation: number[]; test: number[] } {
  const { total, groups, file } = whole
  const split = groups ? groupedHalves(groups, seed) : halves(total, seed)
  if (split.validation.length > 0) return split
  const problem = (called: string) =>
    `task.split is halves; ${called} has ${inWords(whole)}: validation would have none.`
  throw new TaskMisfit('split', file, problem, `Needed: two ${groups ? 'groups' : 'rows'} or more.`)
}

/** The number of validation rows that the paper holds out of large training sets. */
const HELD_OUT = 1000
/**
 * The default for smaller training sets: a fifth is held out for validation, or a tenth each for validation and test.
 */
const PART = { held_out: 5, both_held_out: 10 }
const PART_NAMES = { held_out: 'fifth', both_held_out: 'tenth' }

type Way = keyof typeof PART

function restAndHeldOut(task: TaskOptions, whole: Whole): Partial<Record<Split, number[]>> {
  const { held_out, split_seed: seed } = task
  const { total, groups, file } = whole
  const way = task.split as Way
  const count = held_out ?? Math.min(HELD_OUT, Math.floor(total / PART[way]))
  const [alone, grouped] = way === 'held_out' ? [heldOut, groupedHeldOut] : [bothHeldOut, groupedBothHeldOut]
  const rows: Partial<Record<Split, number[]>> = groups ? grouped(groups, count, seed) : alone(total, count, seed)
  const empty = SPLITS.find((split) => rows[split]?.length === 0)
  if (empty === undefined) return rows
  const key = held_out === undefined ? 'split' : 'held_out'
  const is = held_out === undefined ? `split is ${way}` : `held_out is ${held_out}`
  const problem = (called: string) => `task.${is}; ${called} has ${inWords(whole)}: ${empty} would have none.`
  throw new TaskMisfit(key, file, problem, wayOut(way, held_out, whole))
}

function wayOut(way: Way, held_out: number | undefined, { total, groups }: Whole): string {
  const [splits, inWords] = way === 'held_out' ? [2, 'two'] : [3, 'three']
  if (groups && new Set(groups).size < splits) return `Needed: ${inWords} groups or more.`
  if (total < splits) return `Needed: ${inWords} rows or more.`
  if (held_out === undefined)
    return (
      `A ${PART_NAMES[way]} is held out${way === 'held_out' ? '' : ' for each'}: set task.held_out, or give ` +
      `${PART[way]} rows or more.`
    )
  if (groups) return 'Hold out fewer.'
  return `At most ${Math.floor((total - 1) / (splits - 1))} can be; by default a ${PART_NAMES[way]} is.`
}

const inWords = ({ total, groups }: Whole): string => {
  const rows = counted(total, 'row')
  if (!groups || total === 1) return rows
  const { size } = new Set(groups)
  return `${rows} in ${counted(size, 'group')}`
}

/**
 * Returns a line for the log about rows that were held out; undefined where the experiment or the paper says how many.
 */
export function heldOutNote(
  { split, held_out }: TaskOptions,
  { validation, test }: Record<'validation' | 'test', number>,
): string | undefined {
  if (held_out !== undefined) return undefined
  if (split === 'both_held_out')
    return (
      `${counted(validation, 'row')} held out of train for validation and ` +
      `${validation === test ? 'as many' : test.toLocaleString('en')} for test: a tenth of it each, at most ` +
      `${HELD_OUT}; task.held_out tells another number.`
    )
  if (split !== 'held_out' || validation >= HELD_OUT) return undefined
  return (
    `Validation: ${validation} rows held out of train, a fifth of it (the paper's ${HELD_OUT} take ` +
    `${HELD_OUT * PART.held_out}); task.held_out tells another number.`
  )
}

/**
 * Returns the number of rows held out for a run to record, so that it stays the same. Whole groups are drawn again by
 * the number that was asked for.
 */
export const heldOutInForce = (task: TaskOptions, validationRows: number): Pick<TaskOptions, 'held_out'> =>
  task.split === 'held_out' || (task.split === 'both_held_out' && !('group' in task && task.group !== undefined))
    ? { held_out: validationRows }
    : {}

/**
 * Returns the task of a run from before `held_out` was a key, when the paper's number of rows was held out of any
 * training set.
 */
export const withHeldOut = <Task extends TaskOptions>(task: Task): Task =>
  task.split === 'held_out' && task.held_out === undefined ? { ...task, held_out: HELD_OUT } : task
