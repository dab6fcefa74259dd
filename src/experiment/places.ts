import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { SPLITS } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { packageRoot } from '../base/root.js'
import type { Experiment } from './schema.js'

const DATA = [...SPLITS, 'path'] as const
/** Keys that say where something is: a task's files, the backbone's name, and the run that a training starts from. */
export const PLACES = [...DATA, 'backbone', 'start_from'] as const
export type Place = (typeof PLACES)[number]

/** In front of the name of a file that ships with the toolkit: it means the same in every clone. */
const MARK = 'package:'
const SHIPPED = 'configs'

/** A path as it is written in an experiment: of a file that ships with the toolkit, or from `folder`. */
export function resolvePlace(folder: string, given: string): string {
  const inside = given.startsWith(MARK) ? given.slice(MARK.length) : undefined
  return inside === undefined || leadsOut(inside) ? resolve(folder, given) : join(packageRoot, inside)
}

const leadsOut = (path: string) => isAbsolute(path) || path.split(/[\\/]/).includes('..')

/**
 * The experiment as it is written down: files that ship with the toolkit by their names, the user's own relative to
 * `folder`, which it is written into, so that both can be moved or copied together. Without a folder these stay absolute.
 */
export const storedPlaces = (experiment: Experiment, folder?: string): Experiment =>
  changePlaces(experiment, (path) => {
    if (!isAbsolute(path)) return path // a preset or a hub id
    const inside = relative(packageRoot, path).split(sep).join('/')
    if (inside.startsWith(`${SHIPPED}/`)) return MARK + inside
    return folder === undefined ? path : relativeTo(resolve(folder), path)
  })

/** Begins with a dot, so that no backbone's folder looks like a hub id. Another drive's stays absolute. */
function relativeTo(folder: string, path: string): string {
  const from = relative(folder, path).split(sep).join('/')
  return isAbsolute(from) || from.startsWith('.') ? from : `./${from}`
}

/**
 * The reverse, for an experiment that `file` in `folder` holds: all paths absolute. What a version before this one wrote as
 * the absolute path of a file that ships is, where that clone is gone, this clone's.
 * @throws UserError for a name that leads out of the toolkit
 */
export const locatedPlaces = (experiment: Experiment, folder: string, file: string): Experiment =>
  changePlaces(experiment, (path, place) => {
    if (path.startsWith(MARK)) {
      if (!leadsOut(path.slice(MARK.length))) return resolvePlace(folder, path)
      throw new UserError({
        at: file,
        problem: `names the file ${JSON.stringify(path)}, which leads out of the toolkit.`,
      })
    }
    if (isAbsolute(path)) return existsSync(path) ? path : (shippedLike(path) ?? path)
    return place !== 'backbone' || /^\.\.?(\/|$)/.test(path) ? resolve(folder, path) : path
  })

function shippedLike(path: string): string | undefined {
  const [, inside] = /[\\/](configs[\\/](?:tasks|backbones)[\\/].+)$/.exec(path) ?? []
  const here = inside && join(packageRoot, inside)
  return here && existsSync(here) ? here : undefined
}

/** Where the user's own files and folders are, absolute. */
export function ownPlaces(experiment: Experiment): Partial<Record<Place, string>> {
  const own: Partial<Record<Place, string>> = {}
  changePlaces(storedPlaces(experiment), (path, place) => {
    if (isAbsolute(path)) own[place] = path
    return path
  })
  return own
}

/** The experiment with its places from `before` where they lead nowhere now: its folder was moved without what it reads. */
export const foundPlaces = (experiment: Experiment, before: Partial<Record<Place, string>>): Experiment =>
  changePlaces(experiment, (path, place) => {
    const known = before[place]
    return isAbsolute(path) && !existsSync(path) && known && existsSync(known) ? known : path
  })

/** What an experiment is, wherever its backbone and data are. */
export function withoutPlaces({ task: placed, backbone, ...rest }: Experiment) {
  const { train, validation, test, path, ...task } = placed
  const { name, ...kept } = backbone
  return { ...rest, task, backbone: kept }
}

/** The experiment with what `change` makes of each of its places. */
export function changePlaces(experiment: Experiment, change: (path: string, place: Place) => string): Experiment {
  const task = { ...experiment.task }
  for (const key of DATA) if (typeof task[key] === 'string') task[key] = change(task[key], key)
  const backbone = { ...experiment.backbone, name: change(experiment.backbone.name, 'backbone') }
  const { start_from } = experiment.training
  if (start_from === undefined) return { ...experiment, backbone, task }
  const training = { ...experiment.training, start_from: change(start_from, 'start_from') }
  return { ...experiment, backbone, task, training }
}
