import { existsSync } from 'node:fs'
import { z } from 'zod'
import { IMPORT_FORMATS } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { readJsonFile } from '../base/files/json_file.js'
import { PLACES } from '../experiment/places.js'
import type { Result, RunFiles } from './directory.js'

const scores = z.record(z.string(), z.number())
const size = z.number().nonnegative()

const resultFile = z.object({
  validation: scores,
  validation_loss: size.optional(),
  test: scores,
  chance: z
    .object({
      by: z.enum(['majority_class', 'mean', 'uniform']),
      guess: z.string().optional(),
      validation: scores,
      test: scores,
    })
    .optional(),
  own_tensors_moved_answers: z.boolean().optional(),
  best_step: size,
  steps: size,
  planned_steps: size.optional(),
  seconds: size,
  step_seconds: z.number().positive().optional(),
  peak_memory_bytes: size,
  gpu_memory_bytes: size.optional(),
  trained_parameters: size,
  head_parameters: size.optional(),
  backbone_parameters: size,
  share_percent: size,
})

const changed = z.object({ from: z.string(), to: z.string() })
const changeFile = z.object({
  step: size,
  backbone_sha256: changed.optional(),
  data_sha256: z.record(z.string(), changed),
  training: z.record(z.string(), z.object({ from: size.nullable(), to: size.nullable() })).optional(),
  planned_steps: z.object({ from: size, to: size }).optional(),
})
/** What had changed when a run was continued after a step: backbone and rows, with --allow-changed, and its length. */
export type Change = z.infer<typeof changeFile>

/** A change of a run's length: keys of `training`, null where there was no value, and the resulting number of steps. */
export type LengthChange = Required<Pick<Change, 'training'>> & Pick<Change, 'planned_steps'>

const startedFrom = z.object({ run: z.string(), step: size.optional(), trained_sha256: z.string() })
/** The run whose trained tensors a training started from: their step, and the SHA-256 of their file. */
export type StartedFrom = z.infer<typeof startedFrom>

const importedFrom = z.object({ format: z.enum(IMPORT_FORMATS), folder: z.string() })
/** What an imported run was read from. */
export type ImportedFrom = z.infer<typeof importedFrom>

const cleanedAway = z.object({ at: z.string(), bytes: size })
/** When `compacter runs clean` removed a finished run's last tensors and checkpoint (ISO 8601, UTC), and their size. */
export type CleanedAway = z.infer<typeof cleanedAway>

/** The part of the manifest that is read again. Runs of earlier versions lack some of it. */
const manifestFile = z.object({
  compacter: z.string(),
  git_commit: z.string().nullish(),
  node: z.string(),
  platform: z.string(),
  tfjs: z.string().optional(),
  device: z.string().optional(),
  threads: z.number().optional(),
  engine_mode: z.string().optional(),
  precision: z.string().optional(),
  row_order: z.string().optional(),
  evaluation_rows: z.object({ rows: size, of: size }).optional(),
  batch_size_auto: z.object({ rows: size, peak_memory_bytes: size, available_bytes: size }).optional(),
  trained_parameters: size,
  head_parameters: size.optional(),
  backbone_parameters: size,
  /** Undefined of a run that was imported without its backbone. */
  backbone_sha256: z.string().optional(),
  tokenizer_sha256: z.string().optional(),
  backbone_config: z.record(z.string(), z.unknown()).optional(),
  data_sha256: z.record(z.string(), z.string()),
  places: z.partialRecord(z.enum(PLACES), z.string()).optional(),
  changes: z.array(changeFile).optional(),
  start: startedFrom.optional(),
  imported: importedFrom.optional(),
  cleaned: cleanedAway.optional(),
})

/** What a run was made with, as its manifest has it. */
export type Environment = z.infer<typeof manifestFile>

/** What to do about a finished run whose best tensors are not there, or are of another step. */
export const RESTORE_BEST = 'Restore it from a copy, or train again with its experiment.yaml in another folder.'

/** Returns the result of a finished run; undefined for one that is not finished. @throws DamagedFile */
export function readResult({ result, checkpoint }: RunFiles): Result | undefined {
  if (!existsSync(result)) return undefined
  const remedy = existsSync(checkpoint)
    ? 'Delete it, then resume the training: that writes it again.'
    : 'Restore it from a copy.'
  return readJsonFile(result, resultFile, { remedy }) as Result
}

/** As `readResult`, but undefined where it cannot be read, for callers that need not report it. */
export function readableResult(files: RunFiles): Result | undefined {
  try {
    return readResult(files)
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

/** Returns a run's manifest; undefined where it has none. @throws DamagedFile */
export function readManifest({ manifest }: RunFiles): Environment | undefined {
  if (!existsSync(manifest)) return undefined
  const remedy =
    'Restore it from a copy; if you delete it, nothing checks that backbone and data are still those of the run.'
  return readJsonFile(manifest, manifestFile, { remedy })
}
