import type { Scoring, Split } from '../../base/choices.js'
import { UserError } from '../../base/error.js'
import { hashFiles } from '../../base/files/hash.js'
import { checkRows, type WhenChanged } from '../../run/made_with.js'
import { checkDataThere, rowsOption, rowsPlace } from '../../run/places.js'
import type { TrainedRun } from '../../run/trained_run.js'
import { type Classification, labelTexts, namesLabels, writtenLabels } from '../../task/labels/labels.js'
import { longestOf, readTargets, type TargetOptions, type Targets } from '../../task/labels/targets.js'
import { rowsAreHere, sourceOf } from '../../task/rows/source.js'

/** Metrics that depend on labels which no row of the split may have. */
const OF_ALL_LABELS: readonly string[] = ['f1', 'macro_f1', 'f1a']

/** The possible outputs. */
export interface EvaluatedLabels extends Targets {
  /** Texts of the labels that the run was trained on, if the rows are not its own and the labels are known. */
  trained?: string[]
}

/**
 * Returns the labels of a run's task in the form in which they are compared with outputs, and none unless it is a
 * classification; checks all targets.
 */
export async function evaluatedLabels(
  run: TrainedRun,
  split: Split,
  options: TargetOptions,
  when: WhenChanged,
): Promise<EvaluatedLabels> {
  const { task } = run.experiment
  if (task.kind !== 'classification') return readTargets(task, [split], options)
  const own = await ownTexts(run, split, when)
  const texts = await evaluatedTexts(run, task, split, { own, scoring: options.scoring, when })
  const labels = await writtenLabels(task, texts, options.tokenizer, options)
  const forms = { labels: labels.map(({ form }) => form), longest: longestOf(labels) }
  return own && 'texts' in own ? { ...forms, trained: own.texts } : forms
}

type OwnTexts = { texts: string[] } | { unreadable: UserError }

/**
 * Returns the texts of the labels that the run was trained on, if the rows are not its own; nothing is downloaded only
 * for this.
 */
async function ownTexts(run: TrainedRun, split: Split, when: WhenChanged): Promise<OwnTexts | undefined> {
  const named = run.set.has(rowsPlace(run.experiment.task, split)) ? { own: run, ownLabels: true } : undefined
  const { own, ownLabels } = run.elsewhere ?? named ?? {}
  const task = own?.experiment.task
  if (!own || task?.kind !== 'classification') return undefined
  if (!ownLabels && !namesLabels(task) && !(await rowsAreHere(task))) return undefined
  try {
    return { texts: await trainedTexts(own, task, ['train'], when) }
  } catch (error) {
    if (error instanceof UserError) return { unreadable: error }
    throw error
  }
}

/** Reads the texts of the split only, if neither metrics nor scoring need the others. */
async function evaluatedTexts(
  run: TrainedRun,
  task: Classification,
  split: Split,
  { own, scoring, when }: { own: OwnTexts | undefined; scoring: Scoring; when: WhenChanged },
): Promise<string[]> {
  try {
    if (!own || run.elsewhere?.ownLabels === false) return await trainedTexts(run, task, ['train', split], when)
    if ('unreadable' in own) throw own.unreadable
    return [...new Set([...own.texts, ...(await labelTexts(task, [split]))])]
  } catch (error) {
    const needed = scoring === 'rank' || task.metrics.some((metric) => OF_ALL_LABELS.includes(metric))
    if (needed || !(error instanceof UserError)) throw error
    return labelTexts(task, [split])
  }
}

/**
 * Returns the texts of the labels that a run's task names, or else those of the rows of splits.
 * @throws UserError where the rows are needed and cannot be read.
 */
export async function trainedTexts(
  { folder, experiment, made }: TrainedRun,
  task: Classification,
  splits: readonly Split[],
  when: WhenChanged,
): Promise<string[]> {
  try {
    if (!namesLabels(task)) {
      for (const split of splits) checkDataThere(folder, experiment, split)
      const { file, files } = await sourceOf(task, 'train')
      const here = { split: 'train', file, sha256: hashFiles(files) } as const
      checkRows(folder, made, here, `Say where the same rows are (--set ${rowsOption(task, 'train')})`, when)
    }
    return await labelTexts(task, splits)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const remedy = "The run's task.labels does not name the labels, so they are read from its training rows."
    throw new UserError({ problem: error.message, remedy }, { cause: error })
  }
}
