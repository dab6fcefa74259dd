import { z } from 'zod'
import { UserError } from '../error.js'
import { DamagedFile } from '../json_file.js'
import type { Scores } from '../run/directory.js'
import { openSafetensors, type SafetensorsFile, writeSafetensors } from '../safetensors.js'
import tf from '../tf.cjs'
import type { OptimizerState } from './optimizer.js'
import { gathered, type Layout, named } from './trained.js'

/** How far a run is, beside its tensors. */
export interface RunState {
  /** Step after which the model was last evaluated; 0 before the first time. */
  evaluatedStep: number
  best?: { step: number; score: number; validation: Scores }
  /** Wall time so far. */
  seconds: number
}

/** Everything that --resume needs, in one file that is old or new, never half-written. */
export async function saveCheckpoint(path: string, optimizer: OptimizerState, run: RunState): Promise<void> {
  const { vector, first, second, step } = optimizer
  const tensors = await Promise.all(
    Object.entries({ vector, first, second }).map(
      async ([name, tensor]) => [name, { shape: tensor.shape, data: (await tensor.data()) as Float32Array }] as const,
    ),
  )
  writeSafetensors(path, tensors, { state: JSON.stringify({ step, ...run }) })
}

/**
 * Reads a checkpoint back.
 * @throws UserError if it was made by a method with another number of trained parameters.
 */
export function loadCheckpoint(path: string, { size }: Layout): { optimizer: OptimizerState; run: RunState } {
  const file = openSafetensors(path)
  try {
    const { step, ...run } = stateOf(file)
    const values = ['vector', 'first', 'second'].map((name) => file.read(name))
    const wrong = values.find((value) => value.length !== size)
    if (wrong) {
      throw new UserError({
        at: path,
        problem: `holds ${wrong.length} trained parameters; the experiment trains ${size}.`,
        remedy: 'Start a new run with --run-dir.',
      })
    }
    const [vector, first, second] = values.map((value) => tf.tensor1d(value)) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D]
    return { optimizer: { vector, first, second, step }, run }
  } finally {
    file.close()
  }
}

const count = z.int().min(0)
const storedState = z.object({
  step: count,
  evaluatedStep: count,
  best: z.object({ step: count, score: z.number(), validation: z.record(z.string(), z.number()) }).optional(),
  seconds: z.number().min(0),
})

/** @throws UserError */
function stateOf({ path, metadata }: SafetensorsFile): RunState & { step: number } {
  const remedy = 'It is no checkpoint of a training. Restore it, or start a new run with --run-dir.'
  const checked = storedState.safeParse(parsed(metadata.state))
  if (checked.success) return checked.data as RunState & { step: number }
  const [issue] = checked.error.issues
  const key = ['state', ...issue!.path].join('.')
  throw new DamagedFile({ at: path, problem: `is damaged: its metadata has no valid ${key}.`, remedy })
}

function parsed(state: string | undefined): unknown {
  try {
    return JSON.parse(state ?? '')
  } catch {
    return undefined
  }
}

/** The trained tensors by name, as `last.safetensors` and `best.safetensors` hold them. */
export async function saveTrained(
  path: string,
  { layout }: { layout: Layout },
  { vector, step }: OptimizerState,
): Promise<void> {
  writeSafetensors(path, named(layout, (await vector.data()) as Float32Array), { step: String(step) })
}

/**
 * The trained vector that a file of trained tensors holds.
 * @throws UserError as `checkTrained`.
 */
export function loadTrained(path: string, { layout }: { layout: Layout }, step?: number): Float32Array {
  const file = openSafetensors(path)
  try {
    checkTrained(file, layout, step)
    return gathered(layout, ({ name }) => file.read(name))
  } finally {
    file.close()
  }
}

/**
 * Checks that a file holds the tensors that a method trains, and no others, of the step that its run says.
 * @throws UserError naming file and tensor
 */
export function checkTrained({ path, entries, metadata }: SafetensorsFile, { specs }: Layout, step?: number): void {
  const refuse = (problem: string, remedy = "The file and the run's experiment.yaml do not belong together.") => {
    throw new UserError({ at: path, problem, remedy })
  }
  for (const { name, shape } of specs) {
    const stored = entries.get(name)?.shape
    if (!stored) refuse(`has no tensor ${name}.`)
    else if (String(stored) !== String(shape))
      refuse(`${name} has the shape [${stored}]; the method's options give [${shape}].`)
  }
  const known = new Set(specs.map(({ name }) => name))
  const other = [...entries.keys()].find((name) => !known.has(name))
  if (other !== undefined) refuse(`has tensor ${other.slice(0, 120)}, which the run's method does not train.`)
  if (step === undefined || metadata.step === undefined || Number(metadata.step) === step) return
  refuse(
    `holds the tensors of step ${metadata.step}; the run's best is step ${step}.`,
    'Restore the file of that step.',
  )
}
