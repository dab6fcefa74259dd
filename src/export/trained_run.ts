import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { locateBackbone } from '../backbone/locate.js'
import { openBackbone } from '../backbone/weights.js'
import { UserError } from '../error.js'
import { foundPlaces } from '../experiment/places.js'
import { type Path, placeIn } from '../experiment/source.js'
import { openRun, type Scores } from '../run/directory.js'
import { runExperiment } from '../run/experiment.js'
import { type Moved, placeSet, withPlaces } from '../run/places.js'
import { readManifest, readResult } from '../run/records.js'
import { withHeldOut } from '../task/split_rows.js'
import { CARD, hasCard, readCard } from './card.js'

/** Trained tensors and what they belong to: a run, or a folder that `compacter export --format safetensors` made. */
export interface TrainedRun extends Moved {
  folder: string
  /** Where a value of it is told: `file:line:column`, or `--set task.test=FILE`. */
  locate(path: Path): string
  /** The safetensors file with the trained tensors of the best validation score. */
  tensors: string
  /** Of the backbone's weights that they were trained on, where it is known. */
  backboneSha256: string | undefined
  metrics: Record<string, Scores> | null
}

/** The trained tensors in an exported folder. */
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
  const { format, experiment, backbone, metrics } = readCard(folder)
  if (format !== 'safetensors') {
    throw new UserError({
      at: folder,
      problem: `is an export for others, of the format ${format}.`,
      remedy:
        format === 'huggingface' || format === 'saved-model'
          ? 'Name the run itself, or an export of the format safetensors.'
          : `Make it a run first: compacter import ${folder} --format ${format}.`,
    })
  }
  return {
    folder,
    experiment: { ...experiment, task: withHeldOut(experiment.task) },
    locate: (path) => placeIn(join(folder, CARD), ['experiment', ...path]),
    tensors: join(folder, TRAINED),
    backboneSha256: backbone.sha256,
    metrics,
  }
}

function openRunFolder(folder: string): Opened {
  const files = openRun(folder)
  if (!existsSync(files.best)) {
    throw new UserError({
      at: folder,
      problem: 'has no best checkpoint yet: it was stopped before its first evaluation.',
      remedy: 'Go on with `compacter train EXPERIMENT --resume`.',
    })
  }
  const manifest = readManifest(files)
  const experiment = foundPlaces(runExperiment(files.experiment), manifest?.places ?? {})
  const result = readResult(files)
  const metrics = result ? { validation: result.validation, test: result.test } : null
  const locate = (path: Path) => placeIn(files.experiment, path)
  return { folder, experiment, locate, tensors: files.best, backboneSha256: manifest?.backbone_sha256, metrics }
}

/** The hash of the backbone's weights: as the run noted it, or else of the files that are here. */
export async function backboneHash({ experiment, backboneSha256 }: TrainedRun): Promise<string> {
  if (backboneSha256 !== undefined) return backboneSha256
  const backbone = openBackbone(await locateBackbone(experiment.backbone.name))
  try {
    return backbone.hash()
  } finally {
    backbone.close()
  }
}

/**
 * Exported tensors mean nothing on another backbone than their own.
 * @throws UserError where the weights that are here differ from those it was trained on.
 */
export function checkBackbone(
  { folder, backboneSha256 }: TrainedRun,
  backbone: { folder: string; hash(): string },
): void {
  if (!hasCard(folder) || backboneSha256 === undefined) return
  const here = backbone.hash()
  if (here === backboneSha256) return
  throw new UserError({
    at: folder,
    problem: `was trained on weights with SHA-256 ${backboneSha256.slice(0, 12)}…; those in ${backbone.folder} have ${here.slice(0, 12)}….`,
    remedy: 'Fetch the same weights.',
  })
}
