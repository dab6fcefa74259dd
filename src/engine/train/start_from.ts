import { isDeepStrictEqual } from 'node:util'
import type { Backbone } from '../../backbone/files/weights.js'
import { UserError } from '../../base/error.js'
import { hashFiles } from '../../base/files/hash.js'
import { openSafetensors, type SafetensorsFile } from '../../base/safetensors/safetensors.js'
import type { Experiment } from '../../experiment/schema.js'
import { short } from '../../run/made_with.js'
import type { StartedFrom } from '../../run/records.js'
import { openTrainedRun, type TrainedRun } from '../../run/trained_run.js'
import { loadTrained } from '../model/checkpoint.js'
import type { Layout } from '../model/layout.js'
import type { Blueprint } from '../model/model.js'

const AT = 'training.start_from'
const SHOWN = 5

/** The trained values of another run, and which run that is. */
export interface Start {
  vector: Float32Array
  from: StartedFrom
}

/**
 * Returns the trained values that `training.start_from` names; undefined where it names none.
 * @throws UserError where the run does not exist, or its tensors do not fit: they belong to another backbone, have
 *   other names or shapes, or were trained with other random values that are not trained.
 */
export function startFrom(experiment: Experiment, blueprint: Blueprint, backbone: Backbone): Start | undefined {
  const { start_from: folder } = experiment.training
  if (folder === undefined) return undefined
  const run = openTrainedRun(folder)
  checkWeights(run, backbone)
  checkTensors(run, blueprint.layout)
  checkUntrained(run, experiment, blueprint)
  const from = {
    run: folder,
    ...(run.step !== undefined && { step: run.step }),
    trained_sha256: hashFiles([run.tensors]),
  }
  return { vector: loadTrained(run.tensors, blueprint, run.step), from }
}

/**
 * Checks that a run which continues names the same start as before. The run that it started from may be gone, since it
 * is no longer needed.
 * @throws UserError where the run started from elsewhere.
 */
export function checkStartedFrom(noted: StartedFrom | undefined, { training }: Experiment, at: string): void {
  const { start_from: folder } = training
  if (folder === noted?.run) return
  const here = folder === undefined ? undefined : hashOf(folder)
  if (noted && folder !== undefined && (here === undefined || here === noted.trained_sha256)) return
  const told = (run: string | undefined, hash?: string) =>
    run === undefined ? 'none' : `${run}${hash ? `, SHA-256 ${short(hash)}` : ''}`
  throw new UserError({
    at,
    problem:
      `the run was started with another ${AT} (${told(noted?.run, noted?.trained_sha256)} then, ` +
      `${told(folder, here)} now).`,
    remedy: 'Resume with the same values, or start a new run with --run-dir.',
  })
}

/** Undefined where the run no longer exists. */
function hashOf(folder: string): string | undefined {
  try {
    return hashFiles([openTrainedRun(folder).tensors])
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

function checkWeights({ folder, made: { weights } }: TrainedRun, backbone: Backbone): void {
  const here = backbone.hash()
  if (weights === undefined || weights === here) return
  throw refused(
    folder,
    `was trained on weights with SHA-256 ${short(weights)}; those in ${backbone.folder} have ${short(here)}.`,
    'Start from a run of the same backbone.',
  )
}

function checkTensors({ folder, tensors }: TrainedRun, { specs }: Layout): void {
  const file = openSafetensors(tensors)
  try {
    const differing = differencesOf(file, specs)
    if (differing.length === 0) return
    const more = differing.length > SHOWN ? ` and ${differing.length - SHOWN} more` : ''
    const remedy = 'Start from a run of the same method and placement, or take training.start_from out.'
    throw refused(folder, `has other trained tensors: ${differing.slice(0, SHOWN).join('; ')}${more}.`, remedy)
  } finally {
    file.close()
  }
}

function differencesOf({ entries }: SafetensorsFile, specs: Layout['specs']): string[] {
  const here = new Set(specs.map(({ name }) => name))
  return [
    ...specs.flatMap(({ name, shape }) => {
      const there = entries.get(name)?.shape
      if (!there) return [`${name} is not there, [${shape}] here`]
      return isDeepStrictEqual([...there], [...shape]) ? [] : [`${name} is [${there}] there, [${shape}] here`]
    }),
    ...[...entries.values()].flatMap(({ name, shape }) =>
      here.has(name) ? [] : [`${name} is [${shape}] there, not here`],
    ),
  ]
}

/**
 * Checks the random values that are not trained and are drawn again from a seed: trained values fit only their own.
 */
function checkUntrained({ folder, experiment }: TrainedRun, now: Experiment, { method, config }: Blueprint): void {
  const constants = method.constants?.(now.method, config) ?? []
  if (method.weights !== 'made' && constants.length === 0) return
  const [before, seed] = [experiment.training.seed, now.training.seed]
  const why = `${now.method.kind} has random values that are not trained, which have to be the same`
  if (!isDeepStrictEqual(experiment.method, now.method))
    throw refused(
      folder,
      `has other options of its method; ${why}.`,
      `Its method: ${JSON.stringify(experiment.method)}.`,
    )
  if (before !== seed && constants.some(({ start }) => start.kind !== 'torch_uniform'))
    throw refused(folder, `has the seed ${before}, not ${seed}; ${why}.`, `Set training.seed to ${before}.`)
}

const refused = (folder: string, problem: string, remedy: string) =>
  new UserError({ at: `${AT} ${folder}`, problem, remedy })
