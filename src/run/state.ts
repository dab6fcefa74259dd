import { z } from 'zod'
import { DamagedFile } from '../base/files/json_file.js'
import { openSafetensors, type SafetensorsFile } from '../base/safetensors/safetensors.js'
import type { Scores } from './directory.js'

/** How far a run is, stored next to its tensors. */
export interface RunState {
  /** The step after which the model was last evaluated; 0 before the first evaluation. */
  evaluatedStep: number
  /** Consecutive evaluations that were not better than the best; earlier versions did not count them. */
  sinceBest?: number
  /** The best evaluation; a higher score is better. Earlier versions have no loss. */
  best?: { step: number; score: number; validation: Scores; loss?: number }
  /** Wall time so far, in seconds. */
  seconds: number
}

const count = z.int().min(0)
const storedState = z.object({
  step: count,
  evaluatedStep: count,
  sinceBest: count.optional(),
  best: z
    .object({
      step: count,
      score: z.number(),
      validation: z.record(z.string(), z.number()),
      loss: z.number().optional(),
    })
    .optional(),
  seconds: z.number().min(0),
})

/** Returns the state in a checkpoint's metadata, with its step. @throws DamagedFile */
export function stateOf({ path, metadata }: SafetensorsFile): RunState & { step: number } {
  const remedy = 'It is not a checkpoint of a training run. Restore it, or start a new run with --run-dir.'
  const checked = storedState.safeParse(parsed(metadata.state))
  if (checked.success) return checked.data as RunState & { step: number }
  const [issue] = checked.error.issues
  const key = ['state', ...issue!.path].join('.')
  throw new DamagedFile({ at: path, problem: `is damaged: its metadata has no valid ${key}.`, remedy })
}

/** As `stateOf`, for the checkpoint in a file. @throws UserError for a file that is not a checkpoint. */
export const readState = (path: string): RunState & { step: number } => withFile(path, stateOf)

/**
 * Returns the step that a file of trained tensors belongs to; undefined if it names none.
 * @throws UserError for a file without trained tensors.
 */
export const stepOfTrained = (path: string): number | undefined =>
  withFile(path, ({ metadata: { step } }) => (step === undefined ? undefined : Number(step)))

function withFile<T>(path: string, work: (file: SafetensorsFile) => T): T {
  const file = openSafetensors(path)
  try {
    return work(file)
  } finally {
    file.close()
  }
}

function parsed(state: string | undefined): unknown {
  try {
    return JSON.parse(state ?? '')
  } catch {
    return undefined
  }
}
