import { hashFiles } from '../backbone/hash.js'
import { UserError } from '../error.js'
import { openTrainedRun, type TrainedRun } from '../export/trained_run.js'
import type { Progress } from '../progress.js'
import { checkRows, notedBackbone, type RowsHere, rowsDiffer, type WhenChanged } from '../run/made_with.js'
import { checkDataThere, rowsOption, rowsPlace } from '../run/places.js'
import { type Confusion, confusionMatrix } from '../task/confusion.js'
import { type LabelNames, writtenNames } from '../task/label_names.js'
import { type Classification, labelTexts, namesLabels, writtenLabels } from '../task/labels.js'
import { toldAtItsKey } from '../task/misfit.js'
import type { Split } from '../task/rows.js'
import type { Scoring } from '../task/scoring.js'
import { sourceOf } from '../task/source.js'
import { readTargets, type TargetOptions } from '../task/targets.js'
import { rankZeroFirst } from './cluster/agree.js'
import { alone, type Ranks } from './cluster/ranks.js'
import { checkTogether } from './cluster/together.js'
import { prepareData } from './data.js'
import { type Device, type DeviceOptions, startDevice } from './device.js'
import { checkRankable, type Evaluated, evaluateSplit, hintAtRanking, rankingOf } from './evaluate.js'
import { type OneBackbone, openOneBackbone, type Storage } from './one_backbone.js'
import { eagerDecoder } from './predict.js'

export interface EvaluateRunsOptions extends DeviceOptions {
  split: Split
  /** Each run's own unless told. */
  scoring?: Scoring | undefined
  /** Where the runs' backbone and data are now, as `--set` has it. */
  sets: readonly string[]
  /** Go on with another backbone or other rows than the runs'. */
  allowChanged: boolean
  progress: Progress
  /** Those that share the rows; each opens the runs. */
  ranks?: Ranks
}

export interface EvaluatedRun extends Evaluated {
  /** As it was named. */
  run: string
  task: string
  scoring: Scoring
  made: EvaluatedWith
  /** Where the rows are others than the run noted for the split, both hashes. */
  otherRows?: { sha256: string; run_sha256: string }
  /** Of a classification. */
  confusion?: Confusion
}

/** What it was scored with: SHA-256 in hexadecimal. */
interface EvaluatedWith {
  /** Of the file of trained tensors. */
  trained_sha256: string
  backbone_sha256: string
  tokenizer_sha256: string
  /** Of the split's files. */
  data_sha256: Partial<Record<Split, string>>
}

/**
 * Scores the best trained tensors of runs, finished or running, or of exported safetensors folders, on a split each. The
 * backbone is loaded once.
 * @throws UserError where one is neither, has no checkpoint, another backbone than the first, or nothing to rank.
 */
export async function evaluateRuns(
  folders: string[],
  { split, scoring, sets, allowChanged, progress, ranks = alone, ...options }: EvaluateRunsOptions,
): Promise<{ evaluated: EvaluatedRun[]; storage: Storage }> {
  const runs = folders.map((folder) => openTrainedRun(folder, sets))
  for (const { experiment } of runs)
    if ((scoring ?? experiment.training.scoring) === 'rank') checkRankable(experiment.task)
  const backbone = await rankZeroFirst(ranks, () => openOneBackbone(runs, progress, allowChanged))
  try {
    const device = await startDevice(options)
    for (const note of device.notes) progress.warn(note)
    progress.note(device.description)
    const evaluated: EvaluatedRun[] = []
    const one = { split, scoring, allowChanged, progress, ranks, device }
    for (const run of runs) evaluated.push(await evaluateOne(run, backbone, one))
    return { evaluated, storage: backbone.storage }
  } finally {
    progress.end()
    backbone.close()
  }
}

async function evaluateOne(
  run: TrainedRun,
  backbone: OneBackbone,
  {
    split: name,
    scoring = run.experiment.training.scoring,
    allowChanged,
    progress,
    ranks,
    device,
  }: Pick<EvaluateRunsOptions, 'split' | 'scoring' | 'allowChanged' | 'progress'> & { ranks: Ranks; device: Device },
): Promise<EvaluatedRun> {
  const { experiment, folder } = run
  const own = backbone.backboneOf(run)
  checkDataThere(folder, experiment, name)
  const when = { allowChanged, warn: progress.warn }
  let otherRows: EvaluatedRun['otherRows']
  const data = prepareData(experiment, own, progress, (here) => {
    checkSplit(run, here, when, progress)
    if (rowsDiffer(run.made, here)) otherRows = { sha256: here.sha256, run_sha256: run.made.rows[here.split]! }
  })
  try {
    const split = await rankZeroFirst(ranks, () => toldAtItsKey(run.locate, () => data.split(name)))
    const options = {
      ...rankingOf(experiment.task, scoring),
      tokenizer: own.tokenizer,
      targetLength: experiment.training.target_length,
      note: (text: string) => progress.note(text),
    }
    const labels = await toldAtItsKey(run.locate, () => evaluatedLabels(run, name, options, when))
    const { backbone_sha256, tokenizer_sha256 } = notedBackbone(own.files)
    const trained_sha256 = hashFiles([run.tensors]) // before it is read: of a running training it may be another then
    const made = { trained_sha256, backbone_sha256, tokenizer_sha256, data_sha256: { [name]: split.sha256 } }
    progress.phase('Weights onto the device')
    const { model, vector, dispose } = backbone.load(run)
    const trained = (await vector.data()) as Float32Array
    await checkTogether(ranks, { experiment, backbone: own, splits: [split], device, trained })
    const decoder = eagerDecoder(model, vector)
    try {
      progress.phase(`Evaluating ${folder}`)
      const evaluation = { experiment, tokenizer: own.tokenizer, labels, progress, ranks }
      const evaluated = await evaluateSplit(decoder, split, evaluation, scoring)
      const { name: task, kind } = experiment.task
      const names = kind === 'classification' ? await writtenNames(experiment.task, own.tokenizer) : undefined
      if (scoring === 'generate') hintAtRanking(kind, evaluated, '--scoring rank', progress)
      return {
        run: folder,
        task,
        scoring,
        made,
        ...evaluated,
        ...(otherRows && { otherRows }),
        ...(names && { confusion: confusionOf(evaluated, labels, names) }),
      }
    } finally {
      decoder.dispose()
      dispose()
    }
  } finally {
    data.close()
  }
}

/** Rows that were named with --set are scored whatever the run had: that is a new evaluation, which is said. */
function checkSplit(
  { folder, experiment, made, set }: TrainedRun,
  here: RowsHere,
  when: WhenChanged,
  { note }: Progress,
) {
  const option = rowsOption(experiment.task, here.split)
  if (!set.has(rowsPlace(experiment.task, here.split))) {
    const wayOut = `To score these as a new evaluation, name them: --set ${option}. Else restore the file`
    checkRows(folder, made, here, wayOut, when)
  } else if (rowsDiffer(made, here)) {
    note(`${here.file} has other rows than the run's ${here.split} split: this is a new evaluation.`)
  }
}

function confusionOf({ predictions, examples }: Evaluated, labels: string[], names: LabelNames): Confusion {
  return confusionMatrix(
    predictions.map(({ text }) => text),
    examples.map(({ target }) => target),
    labels,
    names,
  )
}

/** Metrics that depend on labels which no row of the split may have. */
const OF_ALL_LABELS: readonly string[] = ['f1', 'macro_f1', 'f1a']

/** The labels of a run's task as they are compared with outputs, none of another kind than classification; all targets checked. */
async function evaluatedLabels(
  run: TrainedRun,
  split: Split,
  options: TargetOptions,
  when: WhenChanged,
): Promise<string[]> {
  const { task } = run.experiment
  if (task.kind !== 'classification') return (await readTargets(task, [split], options)).labels
  const texts = await evaluatedTexts(run, task, split, options.scoring, when)
  return (await writtenLabels(task, texts, options.tokenizer, options)).map(({ form }) => form)
}

/** Those of the split alone suffice where neither metrics nor scoring need the others. */
async function evaluatedTexts(
  run: TrainedRun,
  task: Classification,
  split: Split,
  scoring: Scoring,
  when: WhenChanged,
): Promise<string[]> {
  try {
    return await trainedTexts(run, task, ['train', split], when)
  } catch (error) {
    const needed = scoring === 'rank' || task.metrics.some((metric) => OF_ALL_LABELS.includes(metric))
    if (needed || !(error instanceof UserError)) throw error
    return labelTexts(task, [split])
  }
}

/**
 * The texts of the labels that a run's task names, or else the rows of splits.
 * @throws UserError where only rows tell them and cannot be read.
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
