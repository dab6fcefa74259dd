import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Experiment, experimentSchema } from '../experiment/schema.js'
import { type Result, runFiles, type Scores } from '../run/directory.js'

/** A run as a report sees it: read from its own files only, so that it needs neither data nor backbone. */
export interface ReportRun {
  folder: string
  experiment: Experiment
  environment: Environment | undefined
  /** Of a finished run. */
  result: Result | undefined
  /** Training steps as logged. */
  steps: StepFigures[]
  /** Validation scores as logged. */
  evaluations: { step: number; scores: Scores }[]
  /** Lines of metrics.jsonl that are no figures. */
  damagedLines: number
}

export interface StepFigures {
  step: number
  /** Mean cross-entropy a target token, in nats. */
  loss: number
  learning_rate: number
  gradient_norm: number
}

const scores = z.record(z.string(), z.number())
const size = z.number().nonnegative()

const resultFile = z.object({
  validation: scores,
  test: scores,
  best_step: size,
  steps: size,
  seconds: size,
  step_seconds: z.number().positive().optional(),
  peak_memory_bytes: size,
  trained_parameters: size,
  backbone_parameters: size,
  share_percent: size,
})

/** Of the manifest, what a report shows. Runs of earlier versions lack some of it. */
const manifestFile = z.object({
  compacter: z.string(),
  git_commit: z.string().nullish(),
  node: z.string(),
  platform: z.string(),
  tfjs: z.string(),
  device: z.string(),
  threads: z.number().optional(),
  engine_mode: z.string().optional(),
  precision: z.string().optional(),
  trained_parameters: size,
  backbone_parameters: size,
  backbone_sha256: z.string(),
  data_sha256: z.record(z.string(), z.string()),
})
export type Environment = z.infer<typeof manifestFile>

const stepLine = z.object({ step: size, loss: z.number(), learning_rate: z.number(), gradient_norm: z.number() })
const evaluationLine = z.object({ step: size, split: z.literal('validation') }).catchall(z.number())

/** Reads a run's files. @throws Error whose message says which file is damaged, and how. */
export function readRun(folder: string): ReportRun {
  const files = runFiles(folder)
  return {
    folder,
    experiment: read(files.experiment, experimentSchema, parse),
    environment: existsSync(files.manifest) ? read(files.manifest, manifestFile, JSON.parse) : undefined,
    result: existsSync(files.result) ? (read(files.result, resultFile, JSON.parse) as Result) : undefined,
    ...readMetrics(files.metrics),
  }
}

function read<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  parsed: (text: string) => unknown,
): z.infer<Schema> {
  const name = file.split(/[\\/]/).at(-1)!
  const checked = schema.safeParse(parsedOr(name, () => parsed(readFileSync(file, 'utf8'))))
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  const at = issue!.path.length > 0 ? `${issue!.path.join('.')}: ` : ''
  throw new Error(`${name} is damaged: ${at}${issue!.message}.`)
}

function parsedOr(name: string, parsed: () => unknown): unknown {
  try {
    return parsed()
  } catch (error) {
    const [reason] = (error as Error).message.split('\n')
    throw new Error(`${name} is damaged: ${reason!.replace(/[:.]$/, '')}.`)
  }
}

/** What can be read of it: a kill can cut the last line short. */
function readMetrics(file: string): Pick<ReportRun, 'steps' | 'evaluations' | 'damagedLines'> {
  const read: Pick<ReportRun, 'steps' | 'evaluations' | 'damagedLines'> = {
    steps: [],
    evaluations: [],
    damagedLines: 0,
  }
  if (!existsSync(file)) return read
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '') continue
    const value = json(line)
    const step = stepLine.safeParse(value)
    const evaluation = evaluationLine.safeParse(value)
    if (step.success) read.steps.push(step.data)
    else if (evaluation.success) {
      const { step, split: _, ...scores } = evaluation.data
      read.evaluations.push({ step, scores })
    } else read.damagedLines++
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
