import type { AnsweredSplit } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { counted } from '../base/text/counted.js'
import { shortened } from '../base/text/shortened.js'
import { short } from '../run/made_with.js'
import { type Answers, evalCommand } from './answers.js'

/**
 * Checks that runs have answered the same rows in the same order.
 * @throws UserError that says what differs from the first run's rows.
 */
export function checkSameRows([first, ...others]: readonly Answers[], split: AnsweredSplit): void {
  for (const other of others) {
    const difference = differenceOf(first!, other, split)
    if (difference) throw new UserError({ at: other.run.folder, ...difference })
  }
}

function differenceOf(first: Answers, other: Answers, split: AnsweredSplit) {
  const [one, another] = [first, other].map(({ run }) => run.experiment.task.kind)
  if (one !== another)
    return {
      problem: `is a task of kind ${another}, and ${first.run.folder} one of kind ${one}.`,
      remedy: 'Compare runs of one task.',
    }
  if (first.sha256 !== other.sha256)
    return {
      problem:
        `its ${split} rows have the SHA-256 ${short(other.sha256)}, and those of ${first.run.folder} ` +
        `${short(first.sha256)}.`,
      remedy: 'Compare runs that have answered the same file.',
    }
  if (first.rows.length !== other.rows.length)
    return {
      problem:
        `has answered ${counted(other.rows.length, `${split} row`)}, and ${first.run.folder} ` +
        `${first.rows.length.toLocaleString('en')}.`,
      remedy: allRows(first.rows.length < other.rows.length ? first : other, split),
    }
  const at = first.rows.findIndex(({ row, label, group }, i) => {
    const its = other.rows[i]!
    return row !== its.row || label !== its.label || group !== its.group
  })
  if (at === -1) return otherTargets(first, other)
  const [own, its] = [first.rows[at]!, other.rows[at]!]
  const what =
    own.row === its.row
      ? `its answer ${at + 1} is to line ${its.row} with another label or group than in ${first.run.folder}`
      : `its answer ${at + 1} is to line ${its.row} of the file, and that of ${first.run.folder} to line ${own.row}`
  return { problem: `${what}.`, remedy: 'Compare runs whose tasks split the file in the same way.' }
}

/** A label that two runs write in two ways would be two labels; numbers are compared as the column has them. */
function otherTargets(first: Answers, other: Answers) {
  if (first.run.experiment.task.kind === 'regression') return undefined
  const at = first.rows.findIndex(({ target }, i) => target !== other.rows[i]!.target)
  if (at === -1) return undefined
  const [own, its] = [first, other].map(({ rows }) => `'${shortened(rows[at]!.target)}'`)
  return {
    problem: `wants the output ${its} for line ${other.rows[at]!.row}, and ${first.run.folder} wants ${own}.`,
    remedy: 'Compare runs whose tasks write labels alike (task.labels).',
  }
}

/** Evaluations during training may be on some of the rows only. */
const allRows = ({ run: { folder }, file }: Answers, split: AnsweredSplit): string =>
  `Let both answer all of them: ${evalCommand(folder, split, file)} --force.`
