import type { Tokenizer } from '../../backbone/files/tokenizer.js'
import type { Precision, Scoring, Split } from '../../base/choices.js'
import { hashFiles } from '../../base/files/hash.js'
import type { Progress } from '../../base/progress.js'
import { checkRows, notedBackbone, type RowsHere, rowsDiffer, type WhenChanged } from '../../run/made_with.js'
import type { Device } from '../../run/manifest.js'
import { onOtherTask, withMetrics } from '../../run/other_task.js'
import { checkDataThere, rowsOption, rowsPlace } from '../../run/places.js'
import { openTrainedRun, type TrainedRun } from '../../run/trained_run.js'
import { type LabelNames, writtenNames } from '../../task/labels/label_names.js'
import type { Targets } from '../../task/labels/targets.js'
import { type Confusion, confusionMatrix } from '../../task/metrics/confusion.js'
import { type EntityScores, entityScores } from '../../task/metrics/entities.js'
import type { TaskOptions } from '../../task/options.js'
import { toldAtItsKey } from '../../task/rows/misfit.js'
import { trainedOn } from '../../task/rows/same_rows.js'
import { sourceSplit } from '../../task/rows/source.js'
import { tagsIn } from '../../task/words/tagged.js'
import { rankZeroFirst } from '../cluster/agree.js'
import { alone, type Ranks } from '../cluster/ranks.js'
import { checkTogether } from '../cluster/together.js'
import { type DeviceOptions, startDevice } from '../device/device.js'
import type { Decoder } from '../model/decoder.js'
import { type OneBackbone, openOneBackbone, type Storage } from '../model/one_backbone.js'
import { type PreparedSplit, prepareData } from '../prepare/data.js'
import { classesOf } from '../prepare/head.js'
import type { OpenedBackbone } from '../prepare/prepare.js'
import { type Evaluated, evaluateSplit, hintAtRanking } from './evaluate.js'
import { type EvaluatedLabels, evaluatedLabels } from './evaluated_labels.js'
import { checkRankable, checkSearched, rankingOf, scoringInForce } from './scoring.js'
import { unseenByRun } from './unseen_labels.js'

export interface EvaluateRunsOptions extends DeviceOptions {
  split: Split
  /** How outputs are found; by default as each run was trained. */
  scoring?: Scoring | undefined
  /** Beams of a search; 1 or undefined for greedy decoding. */
  beams?: number | undefined
  /** Of products of matrices; by default float32. */
  precision?: Precision | undefined
  /** Where the runs' backbone and data are now, as in `--set`. */
  sets: readonly string[]
  /** A file, preset or experiment to score them on, instead of their own tasks. */
  task?: string | undefined
  /** Scores to compute instead of those of their tasks. */
  metrics?: readonly string[] | undefined
  /** Continue with another backbone or other rows than the runs'. */
  allowChanged: boolean
  progress: Progress
  /** The ranks that share the rows; each opens the runs. */
  ranks?: Ranks
}

export interface EvaluatedRun extends Evaluated {
  /** The run, as it was named. */
  run: string
  task: string
  scoring: Scoring
  /** The beams, if a search was asked for. */
  beams?: number
  precision: Precision
  made: EvaluatedWith
  /** Both hashes, where the rows differ from those that the run noted for the split. */
  otherRows?: { sha256: string; run_sha256: string }
  /** The file, preset or experiment whose rows these are, if they are not the run's own. */
  otherTask?: string
  /** Set for a classification. */
  confusion?: Confusion
  /** The scores of each type of entity, for tags that are of entities. */
  entities?: EntityScores[]
}

/** Runs of one backbone, and what sharing it saves. */
export interface EvaluatedRuns {
  evaluated: EvaluatedRun[]
  storage: Storage
}

/** The SHA-256 hashes, in hexadecimal, of what it was scored with. */
interface EvaluatedWith {
  /** The hash of the file of trained tensors. */
  trained_sha256: string
  backbone_sha256: string
  tokenizer_sha256: string
  /** The hash of the split's files. */
  data_sha256: Partial<Record<Split, string>>
}

/**
 * Scores the best trained tensors of runs, finished or running, or of exported safetensors folders, on a split each.
 * The backbone is loaded once.
 * @throws UserError where one is neither, has no checkpoint, another backbone than the first, or nothing to rank.
 */
export async function evaluateRuns(
  folders: string[],
  {
    split,
    scoring,
    beams,
    precision = 'float32',
    sets,
    task,
    metrics,
    allowChanged,
    progress,
    ranks = alone,
    ...options
  }: EvaluateRunsOptions,
): Promise<EvaluatedRuns> {
  const runs = folders.map((folder) => {
    const run = openTrainedRun(folder, sets)
    const on = task === undefined ? run : onOtherTask(run, task, split)
    return metrics ? withMetrics(on, metrics) : on
  })
  for (const run of runs) {
    const way = scoringInForce(run, scoring)
    if (way === 'rank') checkRankable(run.experiment.task)
    checkSearched(run, { scoring: way, beams, precision })
  }
  const backbone = await rankZeroFirst(ranks, () =>
    openOneBackbone(runs, progress, { allowChanged, eager: (beams ?? 1) > 1, precision }),
  )
  try {
    const device = await startDevice(options)
    for (const note of device.notes) progress.warn(note)
    progress.note(device.description)
    const evaluated: EvaluatedRun[] = []
    const one = { split, scoring, beams, precision, allowChanged, progress, ranks, device }
    for (const run of runs) evaluated.push(await evaluateOne(run, backbone, one))
    return { evaluated, storage: backbone.storage }
  } finally {
    progress.end()
    backbone.close()
  }
}

/** The options for each run. */
interface Asked extends Pick<EvaluateRunsOptions, 'split' | 'scoring' | 'beams' | 'allowChanged' | 'progress'> {
  precision: Precision
  ranks: Ranks
  device: Device
}

async function evaluateOne(run: TrainedRun, backbone: OneBackbone, asked: Asked): Promise<EvaluatedRun> {
  const { experiment, folder, elsewhere } = run
  const { beams, precision, progress } = asked
  const scoring = scoringInForce(run, asked.scoring)
  if (asked.scoring === 'generate' && scoring === 'rank')
    progress.warn(`${folder}: --scoring generate has no effect, since the head of an encoder chooses.`)
  const own = backbone.backboneOf(run)
  checkDataThere(folder, experiment, asked.split)
  if (elsewhere) progress.note(`${folder} on ${elsewhere.given}: a new evaluation, not of the run's own rows.`)
  let otherRows: EvaluatedRun['otherRows']
  const classes = classesOf((elsewhere?.own.experiment ?? experiment).task)
  const onRows = (here: RowsHere) => {
    checkSplit(run, here, whenChanged(asked), progress)
    if (rowsDiffer(run.made, here)) otherRows = { sha256: here.sha256, run_sha256: run.made.rows[here.split]! }
  }
  const data = prepareData(experiment, own, progress, onRows, classes)
  try {
    const split = await rankZeroFirst(asked.ranks, () => toldAtItsKey(run.locate, () => data.split(asked.split)))
    const targets = await targetsOf(run, split, own.tokenizer, { ...asked, scoring })
    const made = madeOf(run, split, own)
    const evaluated = await scored(run, backbone, split, targets, { ...asked, scoring })
    const { task } = experiment
    const names = task.kind === 'classification' ? await writtenNames(task, own.tokenizer) : undefined
    if (scoring === 'generate') hintAtRanking(task.kind, evaluated, '--scoring rank', progress)
    return {
      run: folder,
      task: task.name,
      scoring,
      ...(beams !== undefined && { beams }),
      precision,
      made,
      ...evaluated,
      ...(otherRows && { otherRows }),
      ...(elsewhere && { otherTask: elsewhere.given }),
      ...(names && { confusion: confusionOf(evaluated, targets.labels, names) }),
      ...entitiesOf(task, evaluated),
    }
  } finally {
    data.close()
  }
}

const whenChanged = ({ allowChanged, progress }: Asked): WhenChanged => ({ allowChanged, warn: progress.warn })

type Scored = Asked & { scoring: Scoring }

/** Returns the possible outputs of the split; warns of rows that the run can't answer, or was trained on. */
async function targetsOf(
  run: TrainedRun,
  split: PreparedSplit,
  tokenizer: Tokenizer,
  asked: Scored,
): Promise<EvaluatedLabels> {
  const { task, training } = run.experiment
  const { scoring, progress } = asked
  const options = {
    ...rankingOf(task, scoring),
    tokenizer,
    targetLength: training.target_length,
    note: (text: string) => progress.note(text),
  }
  const targets = await toldAtItsKey(run.locate, () => evaluatedLabels(run, split.name, options, whenChanged(asked)))
  const unseen = targets.trained && (await unseenByRun(split, targets.trained, tokenizer))
  if (unseen) progress.warn(unseen)
  if (isTrainedOn(run, split)) progress.warn(trainedOn(`The rows of ${split.file}`))
  return targets
}

/** Must be called before the trained tensors are read: those of a running training may change after that. */
function madeOf(run: TrainedRun, { name, sha256 }: PreparedSplit, { files }: OpenedBackbone): EvaluatedWith {
  const { backbone_sha256, tokenizer_sha256 } = notedBackbone(files)
  return {
    ...{ trained_sha256: hashFiles([run.tensors]), backbone_sha256, tokenizer_sha256 },
    data_sha256: { [name]: sha256 },
  }
}

/** Lets the run answer the split's rows, with its tensors on the device meanwhile. */
async function scored(
  run: TrainedRun,
  backbone: OneBackbone,
  split: PreparedSplit,
  { labels, longest }: Targets,
  { beams, progress, ranks, device, scoring }: Scored,
): Promise<Evaluated> {
  const { experiment } = run
  const own = backbone.backboneOf(run)
  progress.phase('Weights onto the device')
  const loaded = await backbone.load(run, device)
  let decoder: Decoder | undefined
  try {
    await checkTogether(ranks, { experiment, backbone: own, splits: [split], device, trained: loaded.trained })
    decoder = await loaded.decoder()
    progress.phase(`Evaluating ${run.folder}`)
    const target_length = experiment.training.target_length ?? Math.max(longest, split.longestTarget)
    const limited = { ...experiment, training: { ...experiment.training, target_length } }
    const classes = classesOf((run.elsewhere?.own.experiment ?? experiment).task)
    const shown = own.tokenizer.verbatim ? { classes } : {}
    const evaluation = { experiment: limited, tokenizer: own.tokenizer, labels, ...shown, progress, ranks, beams }
    return await evaluateSplit(decoder, split, evaluation, scoring)
  } finally {
    await decoder?.dispose()
    await loaded.dispose()
  }
}

/** Whether the rows come from the file that the run was trained on, without being asked for as such. */
function isTrainedOn({ experiment: { task }, elsewhere, made }: TrainedRun, { name, sha256 }: PreparedSplit): boolean {
  const trained = (elsewhere?.own.made ?? made).rows.train
  return sha256 === trained && name !== 'train' && (elsewhere !== undefined || sourceSplit(task, name) !== 'train')
}

/**
 * Checks a split's rows. Rows that were named with --set are scored whatever the run had; a note says that this is a
 * new evaluation.
 */
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

/** The scores of each type of entity, where the task's metrics are of entities. */
function entitiesOf(task: TaskOptions, { predictions, examples }: Evaluated): Pick<EvaluatedRun, 'entities'> {
  if (task.kind !== 'token_classification' || task.metrics.every((metric) => metric === 'accuracy')) return {}
  const [outputs, targets] = [predictions.map(({ text }) => text), examples.map(({ target }) => target)]
  return { entities: entityScores(outputs.map(tagsIn), targets.map(tagsIn)) }
}

function confusionOf({ predictions, examples }: Evaluated, labels: string[], names: LabelNames): Confusion {
  return confusionMatrix(
    predictions.map(({ text }) => text),
    examples.map(({ target }) => target),
    labels,
    names,
  )
}
