import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { AnsweredSplit } from '../base/choices.js'
import { commandLine, quoted } from '../base/command_line.js'
import { UserError } from '../base/error.js'
import { DamagedFile } from '../base/files/json_file.js'
import { readText } from '../base/files/read.js'
import { readPredictedWith } from '../engine/evaluate/predictions.js'
import { type ReportRun, readRun } from '../run/compare/read_run.js'
import { openRun, runFiles } from '../run/directory.js'
import type { Classes } from '../task/metrics/metrics.js'
import { checkPredictedWith } from './predicted_with.js'
import type { AnsweredRow } from './scores/scored_rows.js'

/** A run's answers to the rows of a split, in the split's order. */
export interface Answers {
  run: ReportRun
  file: string
  rows: (AnsweredRow & { row: number })[]
  /** The hash of the split's files. */
  sha256: string
  /** The labels of a classification; undefined in files of earlier versions. */
  classes: Classes | undefined
}

const line = z.object({
  row: z.number(),
  label: z.string().optional(),
  target: z.string(),
  answers: z.array(z.string()).optional(),
  group: z.string().optional(),
  prediction: z.string(),
})

/**
 * Reads a run's answers: those that training has left of its best checkpoint, or those of `eval --predictions` in the
 * run's `predictions.jsonl`.
 * @throws UserError that names the command which writes them where there are none, or where they are of other tensors
 *   or rows than the run's; DamagedFile
 */
export function readAnswers(folder: string, split: AnsweredSplit): Answers {
  const run = readRun(openRun(folder, { several: true }).folder)
  const file = answersFile(folder, split)
  if (file === undefined) throw noAnswers(run, split)
  checkPredictedWith(file, run)
  const noted = readPredictedWith(file)
  const made = noted?.runs[0]
  if (noted?.split !== split || made?.data_sha256[split] === undefined)
    throw new UserError({
      at: file,
      problem: noted ? `has answers to the ${noted.split} rows.` : 'does not say which rows and tensors it is of.',
      remedy: `Write it again: ${evalCommand(folder, split, file)} --force.`,
    })
  return { run, file, rows: linesOf(file), sha256: made.data_sha256[split], classes: made.classes }
}

function answersFile(folder: string, split: AnsweredSplit): string | undefined {
  const own = runFiles(folder)[`${split}Predictions`]
  if (existsSync(own)) return own
  const evaluated = join(folder, 'predictions.jsonl')
  return existsSync(evaluated) && readPredictedWith(evaluated)?.split === split ? evaluated : undefined
}

function noAnswers({ folder, result, environment }: ReportRun, split: AnsweredSplit): UserError {
  const unfinished = result === undefined && environment?.imported === undefined
  return new UserError({
    at: folder,
    problem: unfinished ? 'is not finished.' : `has no answers to the ${split} rows: an earlier version trained it.`,
    remedy: unfinished
      ? `Finish it with \`${commandLine(`train --resume ${quoted(folder)}`)}\`.`
      : `Write them with \`${evalCommand(folder, split, runFiles(folder)[`${split}Predictions`])}\`.`,
  })
}

/** Returns the command that writes a run's answers into a file. */
export const evalCommand = (folder: string, split: AnsweredSplit, file: string): string => {
  const of = split === 'test' ? '' : ` --split ${split}`
  return commandLine(`eval ${quoted(folder)}${of} --predictions ${quoted(file)}`)
}

function linesOf(file: string): Answers['rows'] {
  const lines = readText(file).split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((text, i) => {
    const read = line.safeParse(json(text))
    if (read.success) return read.data as Answers['rows'][number]
    throw new DamagedFile({ at: `${file}:${i + 1}`, problem: 'is damaged: the line is not an answer.' })
  })
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
