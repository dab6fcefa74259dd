import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { locateBackbone } from '../backbone/files/locate.js'
import { type Backbone, openBackbone } from '../backbone/files/weights.js'
import { isImportable } from '../base/choices.js'
import { commandLine, quoted } from '../base/command_line.js'
import { UserError } from '../base/error.js'
import { type Progress, showDownload } from '../base/progress.js'
import { type Path, placeIn } from '../base/yaml/source.js'
import { foundPlaces } from '../experiment/places.js'
import { withHeldOut } from '../task/rows/split_rows.js'
import { CARD, hasCard, readCard } from './card.js'
import { openRun, type RunFiles, type Scores } from './directory.js'
import { runExperiment } from './experiment.js'
import { type MadeWith, madeWith } from './made_with.js'
import type { Elsewhere } from './other_task.js'
import { type Moved, placeSet, withPlaces } from './places.js'
import { type Environment, RESTORE_BEST, readManifest, readResult } from './records.js'
import { readState } from './state.js'

/** Trained tensors and what they belong to: a run, or a folder that `compacter export --format safetensors` made. */
export interface TrainedRun extends Moved {
  folder: string
  /** Returns where a value of the experiment was set: `file:line:column`, or `--set task.test=FILE`. */
  locate(path: Path): string
  /** The safetensors file with the trained tensors of the best validation score. */
  tensors: string
  /** The step of those tensors, as the result or the checkpoint of a run says. */
  step?: number | undefined
  /** The backbone and rows that they were trained on, as far as they are noted. */
  made: MadeWith
  metrics: Record<string, Scores> | null
  /** Set if the run is scored on other rows than its own. */
  elsewhere?: Elsewhere
}

/** The file of trained tensors in an exported folder. */
export const TRAINED = 'trained.safetensors'

type Opened = Omit<TrainedRun, 'set'>

/**
 * Opens a run or an exported safetensors folder; `sets` say where its backbone and data are now.
 * @throws UserError if it is neither, or the run was stopped before its first evaluation; and as `withPlaces`.
 */
export function openTrainedRun(folder: string, sets: readonly string[] = []): TrainedRun {
  const opened = hasCard(folder) ? openExported(folder) : openRunFolder(folder)
  const moved = withPlaces(opened.experiment, sets)
  return { ...opened, ...moved, locate: (path) => placeSet(moved, path) ?? opened.locate(path) }
}

function openExported(folder: string): Opened {
  const { format, experiment, backbone, data_sha256 = {}, metrics } = readCard(folder)
  if (format !== 'safetensors') {
    throw new UserError({
      at: folder,
      problem: `is an export for others, of the format ${format}.`,
      remedy: isImportable(format)
        ? `Make it a run first: ${commandLine(`import ${quoted(folder)} --format ${format}`)}.`
        : 'Name the run itself, or an export of the format safetensors.',
    })
  }
  return {
    folder,
    experiment: { ...experiment, task: withHeldOut(experiment.task) },
    locate: (path) => placeIn(join(folder, CARD), ['experiment', ...path]),
    tensors: join(folder, TRAINED),
    made: { weights: backbone.sha256, tokenizer: backbone.tokenizer_sha256, rows: data_sha256 },
    metrics,
  }
}

function openRunFolder(folder: string): Opened {
  const files = openRun(folder)
  const manifest = readManifest(files)
  if (!existsSync(files.best)) throw withoutBest(files, manifest)
  const experiment = foundPlaces(runExperiment(files.experiment), manifest?.places ?? {})
  const result = readResult(files)
  const metrics = result ? { validation: result.validation, test: result.test } : null
  const locate = (path: Path) => placeIn(files.experiment, path)
  const step = result?.best_step ?? (existsSync(files.checkpoint) ? readState(files.checkpoint).best?.step : undefined)
  return { folder, experiment, locate, tensors: files.best, step, made: madeWith(manifest), metrics }
}

function withoutBest({ folder, best, result, checkpoint }: RunFiles, manifest: Environment | undefined): UserError {
  if (manifest?.imported) return new UserError({ at: best, problem: 'is missing.', remedy: 'Import it again.' })
  if (existsSync(result))
    return new UserError({ at: best, problem: 'is missing, though the run is finished.', remedy: RESTORE_BEST })
  const remedy = `Go on with \`${commandLine(`train --resume ${quoted(folder)}`)}\`.`
  if (existsSync(checkpoint) && readState(checkpoint).best)
    return new UserError({ at: best, problem: 'is missing.', remedy })
  const problem = 'has no best checkpoint yet: it was stopped before its first evaluation.'
  return new UserError({ at: folder, problem, remedy })
}

/** Returns the hash of the backbone's weights: as the run noted it, otherwise of the files here. */
export async function backboneHash({ experiment, made }: TrainedRun): Promise<string> {
  return made.weights ?? withBackbone(experiment.backbone.name, undefined, (backbone) => backbone.hash())
}

/**
 * Returns the result of `work` on a backbone's files; none of its tensors is read. Without `progress`, a download is
 * reported on standard error.
 */
export async function withBackbone<T>(
  name: string,
  progress: Progress | undefined,
  work: (backbone: Backbone) => T,
): Promise<T> {
  const backbone = openBackbone(await locateBackbone(name, progress && showDownload(progress)))
  try {
    return work(backbone)
  } finally {
    backbone.close()
  }
}

/** The name of the backbone that a run was trained on. */
export const backboneNameOf = ({ experiment }: TrainedRun): string => experiment.backbone.name

/** Returns the error of a run whose backbone is not the first one's; `more` says more of either backbone. */
export function onOtherBackbone(first: TrainedRun, other: TrainedRun, more = (_: TrainedRun) => ''): UserError {
  const shown = (run: TrainedRun) => `${backboneNameOf(run)}${more(run)}`
  return new UserError({
    at: other.folder,
    problem: `was trained on ${shown(other)}, but ${first.folder} on ${shown(first)}.`,
    remedy: 'Runs that are named together share one backbone: call the command once for each backbone.',
  })
}
