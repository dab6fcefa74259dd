import { existsSync } from 'node:fs'
import { UserError } from '../../base/error.js'
import { openSafetensors, type SafetensorsFile, writeSafetensors } from '../../base/safetensors/safetensors.js'
import type { RunFiles } from '../../run/directory.js'
import { type RunState, stateOf, stepOfTrained } from '../../run/state.js'
import { type Kept, keptOf, type Optimizer, type OptimizerState, stateWith, valuesOf } from '../optimizer/optimizer.js'
import { gathered, type Layout, named } from './layout.js'

/** Writes everything that --resume needs into one file that is old or new, never half-written. */
export async function saveCheckpoint(path: string, optimizer: OptimizerState, run: RunState): Promise<void> {
  const values = keptOf(await valuesOf(optimizer))
  const tensors = values.map(([name, data]) => [name, { shape: [data.length], data }] as const)
  writeSafetensors(path, tensors, { state: JSON.stringify({ step: optimizer.step, ...run }) })
}

/**
 * Reads a checkpoint.
 * @throws UserError if it was made by a method with another number of trained parameters, or by another optimiser.
 */
export function loadCheckpoint(
  path: string,
  layout: Layout,
  { name, moments }: Optimizer,
): { optimizer: OptimizerState; run: RunState } {
  const file = openSafetensors(path)
  try {
    const { step, ...run } = stateOf(file)
    const refuse = (problem: string) => {
      throw new UserError({ at: path, problem, remedy: 'Start a new run with --run-dir.' })
    }
    const sizes = keptOf<number>({ vector: layout.size, ...moments(layout) })
    const values = sizes.map(([part, size]) => {
      if (!file.entries.has(part)) refuse(`has no ${part}, which the optimiser ${name} needs.`)
      const data = file.read(part)
      if (part === 'vector' && data.length !== size)
        refuse(`holds ${data.length} trained parameters; the experiment trains ${size}.`)
      if (data.length !== size) refuse(`${part} has ${data.length} values; the optimiser ${name} needs ${size}.`)
      return [part, data] as const
    })
    return { optimizer: stateWith(Object.fromEntries(values) as unknown as Kept<Float32Array>, step), run }
  } finally {
    file.close()
  }
}

/** Writes the trained tensors by name, for `last.safetensors` and `best.safetensors`. */
export async function saveTrained(
  path: string,
  { layout }: { layout: Layout },
  { vector, step }: OptimizerState,
): Promise<void> {
  writeSafetensors(path, named(layout, (await vector.data()) as Float32Array), { step: String(step) })
}

/** What helps if the best tensors are those of another step. */
const RESTORE = 'Restore the file of that step, or, if the training is not finished, go on with --resume.'

/**
 * Makes sure that a run which continues has the tensors of its best step. They are written after the checkpoint that
 * names the step: if the training was killed between the two, the checkpoint contains them. `say` is called with what
 * was done.
 * @throws UserError where they are missing, or of another step, and are not in the checkpoint either.
 */
export async function restoreBest(
  { best: file, checkpoint }: RunFiles,
  blueprint: { layout: Layout },
  optimizer: OptimizerState,
  run: RunState,
  say: (text: string) => void,
): Promise<void> {
  const { step } = optimizer
  const best = run.best?.step
  const there = existsSync(file)
  const held = there ? stepOfTrained(file) : undefined
  if (best === undefined || held === best || (there && held === undefined)) return
  if (best === step) {
    await saveTrained(file, blueprint, optimizer)
    return say(`The tensors of step ${best}, the best so far, are the checkpoint's: ${file} is written again.`)
  }
  // Earlier versions wrote the best tensors before the checkpoint; that evaluation will be repeated.
  if (held !== undefined && held > step) {
    delete run.best
    return say(
      `${file} is of step ${held}, after the checkpoint's ${step}: the best is chosen from the evaluations to come.`,
    )
  }
  const problem = there ? `holds the tensors of step ${held}` : 'there is no such file'
  const remedy = 'Restore the file of that step, or start a new run with --run-dir.'
  throw new UserError({ at: file, problem: `${problem}; by ${checkpoint} the run's best is step ${best}.`, remedy })
}

/** Returns the trained vector in a file of trained tensors. @throws UserError as `checkTrained`. */
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
 * Checks that a file holds the tensors that a method trains, and no others, of the step that its run names.
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
  refuse(`holds the tensors of step ${metadata.step}; the run's best is step ${step}.`, RESTORE)
}
