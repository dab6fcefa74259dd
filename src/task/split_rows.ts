import { counted } from '../counted.js'
import { TaskMisfit } from './misfit.js'
import type { TaskOptions } from './options.js'
import type { Split } from './rows.js'
import { groupedHalves, groupedHeldOut, halves, heldOut } from './splits.js'

/** Rows of a source before they are split: how many, the groups of those that belong together, the file that errors name. */
export interface Whole {
  total: number
  groups?: string[] | undefined
  file: string
}

/**
 * The rows that a split has of its source's, before any subset.
 * @throws TaskMisfit where the task's way of splitting would leave a split without rows.
 */
export function splitRows(task: TaskOptions, split: Split, whole: Whole): ArrayLike<number> {
  if (task.split === 'halves' && split !== 'train') return twoHalves(task, whole)[split]
  if (task.split === 'held_out' && split !== 'test') return trainAndHeldOut(task, whole)[split]
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

/** The paper's rows of validation, of training sets that are large. */
const HELD_OUT = 1000
/** Of smaller training sets a fifth goes to validation unless the experiment tells. */
const PART = 5

const heldOutByDefault = (total: number): number => Math.min(HELD_OUT, Math.floor(total / PART))

function trainAndHeldOut(
  { held_out, split_seed: seed }: TaskOptions,
  whole: Whole,
): { train: number[]; validation: number[] } {
  const { total, groups, file } = whole
  const count = held_out ?? heldOutByDefault(total)
  const split = groups ? groupedHeldOut(groups, count, seed) : heldOut(total, count, seed)
  if (split.train.length > 0 && split.validation.length > 0) return split
  const fewest = split.train.length > 0 ? 'validation' : 'train'
  const key = held_out === undefined ? 'split' : 'held_out'
  const is = held_out === undefined ? 'split is held_out' : `held_out is ${held_out}`
  const problem = (called: string) => `task.${is}; ${called} has ${inWords(whole)}: ${fewest} would have none.`
  throw new TaskMisfit(key, file, problem, wayOut(held_out, whole))
}

function wayOut(held_out: number | undefined, { total, groups }: Whole): string {
  if (groups && new Set(groups).size === 1) return 'Needed: two groups or more.'
  if (total === 1) return 'Needed: two rows or more.'
  if (held_out === undefined) return `A fifth is held out: set task.held_out, or give ${PART} rows or more.`
  return groups ? 'Hold out fewer.' : `At most ${total - 1} can be; by default a fifth is.`
}

const inWords = ({ total, groups }: Whole): string => {
  const rows = counted(total, 'row')
  if (!groups || total === 1) return rows
  const { size } = new Set(groups)
  return `${rows} in ${counted(size, 'group')}`
}

/** What a log says of rows that were held out: nothing where the experiment or the paper tells how many. */
export function heldOutNote({ split, held_out }: TaskOptions, validationRows: number): string | undefined {
  if (split !== 'held_out' || held_out !== undefined || validationRows >= HELD_OUT) return undefined
  return `Validation: ${validationRows} rows held out of train, a fifth of it (the paper's ${HELD_OUT} take ${HELD_OUT * PART}); task.held_out tells another number.`
}

/** The task of a run from before `held_out` was a key, when the paper's rows were held out of any training set. */
export const withHeldOut = <Task extends TaskOptions>(task: Task): Task =>
  task.split === 'held_out' && task.held_out === undefined ? { ...task, held_out: HELD_OUT } : task
