import { existsSync } from 'node:fs'
import { z } from 'zod'
import { readText } from '../../base/files/read.js'
import type { Experiment } from '../../experiment/schema.js'
import { type Result, runFiles, type Scores } from '../directory.js'
import { runExperiment } from '../experiment.js'
import { type Environment, readManifest, readResult } from '../records.js'

/** A run as a report sees it. It is read from its own files only, so a report needs neither data nor backbone. */
export interface ReportRun {
  folder: string
  experiment: Experiment
  environment: Environment | undefined
  /** The result, if the run is finished. */
  result: Result | undefined
  /** Training steps as logged. */
  steps: StepFigures[]
  /** Validation scores as logged, and the loss, which earlier versions did not log. */
  evaluations: { step: number; scores: Scores; loss?: number }[]
  /** Numbers of the lines of metrics.jsonl that can't be read, from 1. */
  damagedLines: number[]
}

export interface StepFigures {
  step: number
  /** Mean cross-entropy per target token, in nats. */
  loss: number
  learning_rate: number
  gradient_norm: number
}

const size = z.number().nonnegative()
const stepLine = z.object({ step: size, loss: z.number(), learning_rate: z.number(), gradient_norm: z.number() })
const evaluationLine = z
  .object({ step: size, split: z.literal('validation'), loss: z.number().optional() })
  .catchall(z.number())

/** Reads a run's files. @throws UserError that says which file is damaged, where, and how. */
export function readRun(folder: string): ReportRun {
  const files = runFiles(folder)
  return {
    folder,
    experiment: runExperiment(files.experiment),
    environment: readManifest(files),
    result: readResult(files),
    ...readMetrics(files.metrics),
  }
}

/** Reads the lines that are whole: a kill can cut the last one short. */
function readMetrics(file: string): Pick<ReportRun, 'steps' | 'evaluations' | 'damagedLines'> {
  const read: Pick<ReportRun, 'steps' | 'evaluations' | 'damagedLines'> = {
    steps: [],
    evaluations: [],
    damagedLines: [],
  }
  if (!existsSync(file)) return read
  for (const [i, line] of readText(file).split('\n').entries()) {
    if (line.trim() === '') continue
    const value = json(line)
    const step = stepLine.safeParse(value)
    const evaluation = evaluationLine.safeParse(value)
    if (step.success) read.steps.push(step.data)
    else if (evaluation.success) {
      const { step, split: _, loss, ...scores } = evaluation.data
      read.evaluations.push({ step, scores, ...(loss !== undefined && { loss }) })
    } else read.damagedLines.push(i + 1)
  }
  return read
}

function json(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
