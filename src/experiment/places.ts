import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { SPLITS } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { packageRoot } from '../base/root.js'
import type { Experiment } from './schema.js'

const DATA = [...SPLITS, 'path'] as const
/** Keys whose value is a place: a task's files, the backbone's name, and the run that training starts from. */
export const PLACES = [...DATA, 'backbone', 'start_from'] as const
export type Place = (typeof PLACES)[number]

/** A prefix for files that ship with the toolkit, whose names mean the same in every clone. */
const MARK = 'package:'
const SHIPPED = 'configs'

/**
 * Returns the absolute path of a path in an experiment: of a file that ships with the toolkit, or relative to `folder`.
 */
export function resolvePlace(folder: string, given: string): string {
  const inside = given.startsWith(MARK) ? given.slice(MARK.length) : undefined
  return inside === undefined || leadsOut(inside) ? resolve(folder, given) : join(packageRoot, inside)
}

const leadsOut = (path: string) => isAbsolute(path) || path.split(/[\\/]/).includes('..')

/**
 * Returns the experiment as it is stored: files that ship with the toolkit by their names, the user's own relative to
 * `folder`, into which it is written, so that both can be moved or copied together. Without a folder the user's paths
 * stay absolute.
 */
export const storedPlaces = (experiment: Experiment, folder?: string): Experiment =>
  changePlaces(experiment, (path) => {
    if (!isAbsolute(path)) return path // a preset or a hub id
    const inside = relative(packageRoot, path).split(sep).join('/')
    if (inside.startsWith(`${SHIPPED}/`)) return MARK + inside
    return folder === undefined ? path : relativeTo(resolve(folder), path)
  })

/** Whether an absolute path is that of a file that ships with the toolkit. */
export function isShipped(path: string): boolean {
  const inside = relative(join(packageRoot, SHIPPED), path)
  return !isAbsolute(inside) && !inside.startsWith('..')
}

/**
 * Returns a path that begins with a dot, so that no backbone's folder looks like a hub id. A path on another drive
 * stays absolute.
 */
function relativeTo(folder: string, path: string): string {
  const from = relative(folder, path).split(sep).join('/')
  return isAbsolute(from) || from.startsWith('.') ? from : `./${from}`
}

/**
 * The reverse: returns an experiment that `file` in `folder` holds, with absolute paths. Earlier versions wrote
 * absolute paths of shipped files; if that clone is gone, this clone's files are used.
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

/** Returns the absolute paths of the user's own files and folders. */
export function ownPlaces(experiment: Experiment): Partial<Record<Place, string>> {
  const own: Partial<Record<Place, string>> = {}
  changePlaces(storedPlaces(experiment), (path, place) => {
    if (isAbsolute(path)) own[place] = path
    return path
  })
  return own
}

/**
 * Returns the experiment with places from `before` for those that no longer exist: its folder was moved without them.
 */
export const foundPlaces = (experiment: Experiment, before: Partial<Record<Place, string>>): Experiment =>
  changePlaces(experiment, (path, place) => {
    const known = before[place]
    return isAbsolute(path) && !existsSync(path) && known && existsSync(known) ? known : path
  })

/** Returns the parts of an experiment that do not depend on where its backbone and data are. */
export function withoutPlaces({ task: placed, backbone, ...rest }: Experiment) {
  const { train, validation, test, path, ...task } = placed
  const { name, ...kept } = backbone
  return { ...rest, task, backbone: kept }
}

/** Returns the experiment with each of its places replaced by the result of `change`. */
export function changePlaces(experiment: Experiment, change: (path: string, place: Place) => string): Experiment {
  const task = { ...experiment.task }
  for (const key of DATA) if (typeof task[key] === 'string') task[key] = change(task[key], key)
  const backbone = { ...experiment.backbone, name: change(experiment.backbone.name, 'backbone') }
  const { start_from } = experiment.training
  if (start_from === undefined) return { ...experiment, backbone, task }
  const training = { ...experiment.training, start_from: change(start_from, 'start_from') }
  return { ...experiment, backbone, task, training }
}
