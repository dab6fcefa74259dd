import { existsSync } from 'node:fs'
import type { Split } from '../base/choices.js'
import { commandLine, quoted } from '../base/command_line.js'
import { UserError } from '../base/error.js'
import { hashFiles } from '../base/files/hash.js'
import { readPredictedWith } from '../engine/evaluate/predictions.js'
import type { ReportRun } from '../run/compare/read_run.js'
import { runFiles } from '../run/directory.js'
import { short } from '../run/made_with.js'

/** Whether a run's predictions are known to be its own. */
export interface PredictedWith {
  /** The split of the predictions; unknown for files of earlier versions. */
  split?: Split
  /** Says what could not be compared. */
  note?: string
}

/**
 * Compares what a predictions file was made with to what the run has: trained tensors, rows, weights, tokenizer.
 * @throws UserError with both hashes where one differs, where the file was changed later or has predictions of several
 *   runs.
 */
export function checkPredictedWith(file: string, run: ReportRun): PredictedWith {
  const noted = readPredictedWith(file)
  if (!noted)
    return { note: 'The file does not say which tensors and rows it was made of: an earlier version wrote it.' }
  const { split, runs } = noted
  const refuse = (problem: string) => refused(file, run, problem, split)
  if (hashFiles([file]) !== noted.predictions_sha256) throw refuse('was changed after it was written.')
  if (runs.length > 1) throw refuse(ofSeveral)
  const { other_task } = runs[0]!
  if (other_task !== undefined) throw refuse(`has predictions of another task's rows (--task ${other_task}).`)
  const compared = comparedWith(run, runs[0]!, split)
  for (const { what, theirs, own } of compared) {
    if (theirs === undefined || own === undefined || theirs === own) continue
    throw refuse(`was made with ${what} of SHA-256 ${short(theirs)}; the run's is ${short(own)}.`)
  }
  const unknown = compared.filter(({ theirs, own }) => theirs === undefined || own === undefined)
  if (unknown.length === 0) return { split }
  return { split, note: `Not compared, since the run lacks them: ${unknown.map(({ what }) => what).join(', ')}.` }
}

type Noted = NonNullable<ReturnType<typeof readPredictedWith>>['runs'][number]

function comparedWith({ folder, environment }: ReportRun, noted: Noted, split: Split) {
  const { best } = runFiles(folder)
  const own = existsSync(best) ? hashFiles([best]) : undefined
  return [
    { what: 'trained tensors', theirs: noted.trained_sha256, own },
    { what: `${split} rows`, theirs: noted.data_sha256[split], own: environment?.data_sha256[split] },
    { what: 'backbone weights', theirs: noted.backbone_sha256, own: environment?.backbone_sha256 },
    { what: 'a tokenizer', theirs: noted.tokenizer_sha256, own: environment?.tokenizer_sha256 },
  ]
}

const ofSeveral = 'has the predictions of several runs.'

/** The run's name can't say which rows are whose: it is a path as it was typed. */
export const refusedOfSeveral = (file: string, run: ReportRun): UserError => refused(file, run, ofSeveral)

function refused(file: string, { folder }: ReportRun, problem: string, split: Split = 'test'): UserError {
  const options = ['--predictions', quoted(file), ...(split === 'test' ? [] : ['--split', split])]
  const remedy = `Write the run's own: ${commandLine(`eval ${quoted(folder)} ${options.join(' ')} --force`)}.`
  return new UserError({ at: file, problem, remedy })
}
