import { type Leaves, leavesOf } from '../../experiment/method_name.js'
import { isSeed } from '../../experiment/seeds.js'
import type { Environment } from '../records.js'
import type { ReportRun } from './read_run.js'

/** Keys that make no difference to a run's scores, with everything below them. */
const NO_DIFFERENCE = [
  'task.label_names',
  'task.on_bad_row',
  'training.checkpoint_every',
  'training.evaluation_batch_size',
  'training.micro_batch_size',
  'training.engine_mode',
  'training.tensorboard',
  'training.keep',
]

/** The keys of `training` that change the scores of a run whose training is not known. */
const SCORED_BY = ['training.scoring', 'training.source_length', 'training.target_length']

const makesNone = (key: string) => NO_DIFFERENCE.some((none) => key === none || key.startsWith(`${none}.`))

/** Digits of a hash that are shown and compared. */
const DIGITS = 12

/**
 * Returns everything of a run that can change its scores, except seeds, by dotted keys: its experiment, and what its
 * manifest says of weights, rows and their order, or of an imported run's source, whose training is not known. Files
 * count by their hash where the manifest has it, so that moved files are the same.
 */
export function settingsOf(run: ReportRun): Leaves {
  const facts = run.environment ? factsOf(run.environment) : new Map<string, unknown>()
  const hashed = new Set([...facts.keys()].map((fact) => PLACES[fact]))
  if (facts.size > 0) hashed.add('task.path')
  const untold = (key: string) =>
    run.environment?.imported !== undefined && key.startsWith('training.') && !SCORED_BY.includes(key)
  const told = valuesOf(run).filter(([key]) => !isSeed(key) && !makesNone(key) && !hashed.has(key) && !untold(key))
  return new Map([...told, ...facts])
}

/** Returns a run's seeds as one text: runs with the same settings and seeds count once. */
export const seedsOf = (run: ReportRun): string => JSON.stringify(valuesOf(run).filter(([key]) => isSeed(key)))

/** Returns a run's seeds by their names: `seed`, `subset.seed`. */
export const seedValues = (run: ReportRun): Leaves =>
  new Map(valuesOf(run).flatMap(([key, value]) => (isSeed(key) ? [[shownKey(key), value]] : [])))

/** Returns a setting's name for a table: without the section of the experiment that it is in. */
export const shownKey = (key: string): string => key.replace(/^(backbone|method|task|training)\./, '')

const valuesOf = ({ experiment: { name: _, ...parts } }: ReportRun): [string, unknown][] =>
  [...leavesOf(parts)].filter(([, value]) => value !== undefined)

/** Facts of the manifest and the keys of the experiment that say the same, less exactly. */
const PLACES: Record<string, string> = {
  weights: 'backbone.name',
  'train data': 'task.train',
  'validation data': 'task.validation',
  'test data': 'task.test',
}

/** Returns what a manifest says of weights, rows and their order, or of the folder that was imported. */
export function factsOf({ backbone_sha256, data_sha256, row_order, imported }: Environment): Map<string, unknown> {
  const files = Object.entries(data_sha256).map(([split, hash]) => [`${split} data`, hash] as const)
  const hashes = [...(backbone_sha256 === undefined ? [] : [['weights', backbone_sha256] as const]), ...files]
  return new Map<string, unknown>([
    ...hashes.map(([name, hash]) => [name, hash.slice(0, DIGITS)] as const),
    imported ? ['from', imported.folder] : ['row_order', row_order ?? 'not noted'],
  ])
}
