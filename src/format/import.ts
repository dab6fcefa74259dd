import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type BackboneConfig, isEncoder } from '../backbone/registry.js'
import type { ImportFormat } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { writeAtomically } from '../base/files/atomic.js'
import { type Progress, silent } from '../base/progress.js'
import { elements, type WritableTensor, writeSafetensors } from '../base/safetensors/safetensors.js'
import { shownPath } from '../base/yaml/source.js'
import { yamlText } from '../base/yaml/yaml_text.js'
import { classesOf, headedFor, withLabels } from '../engine/prepare/head.js'
import { taskReadBy } from '../engine/prepare/reading.js'
import { experimentYaml, readExperiment } from '../experiment/load/load.js'
import { storedPlaces } from '../experiment/places.js'
import type { Experiment } from '../experiment/schema.js'
import { hasCard, readCard } from '../run/card.js'
import { newRun, writeJson } from '../run/directory.js'
import { adapterhubFolder } from './adapterhub/read.js'
import { warnOfOtherModel } from './base_model.js'
import { checkFormat } from './check_format.js'
import { dimensionsOf, transpose } from './elsewhere.js'
import { experimentAround } from './experiment_around.js'
import { writeFolder } from './folder.js'
import type { ForeignFile, ForeignTensor } from './foreign.js'
import type { Found } from './found.js'
import type { NameTable, Renamed, SharedOptions } from './names_elsewhere.js'
import { importedBackbone, importedManifest } from './noted.js'
import { opendeltaFolder } from './opendelta/read.js'
import { peftFolder } from './peft/read.js'
import { referenceFolder } from './reference/read.js'

const readers: Record<ImportFormat, (folder: string, config: BackboneConfig) => Found> = {
  peft: peftFolder,
  adapterhub: adapterhubFolder,
  opendelta: opendeltaFolder,
  reference: referenceFolder,
}

export interface ImportOptions {
  format: ImportFormat
  /** A preset, a hub id or a folder. */
  backbone: string
  /** Folder of the run to create. */
  runDir: string
  /** The task or experiment to score it on; by default the task that our own exports name. */
  task?: string
  /** Accept our adapters although the backbone differs from the one they were trained on. */
  allowChanged?: boolean
  progress?: Progress
}

export interface Imported {
  folder: string
  method: SharedOptions
  trained_parameters: number
}

/**
 * Makes a run for `eval` from adapters that were trained elsewhere.
 * @throws UserError naming the file and the tensor or key: damaged, hostile, or of a structure that none of our methods
 *   has.
 */
export async function importRun(path: string, options: ImportOptions): Promise<Imported> {
  const { runDir, allowChanged = false, progress = silent } = options
  const backbone = existsSync(options.backbone) ? resolve(options.backbone) : options.backbone
  const card = hasCard(path) ? readCard(path) : undefined
  checkFormat(path, options.format, card)
  const around = experimentAround(path, card, { ...options, backbone, progress })
  const { given, config } = await withHeadOf(around, progress)
  if (isEncoder(config) && !FOR_ENCODERS.includes(options.format)) {
    throw new UserError({
      at: backbone,
      problem: `is an encoder alone, for which no files of the format ${options.format} are read.`,
      remedy: 'Name a T5.',
    })
  }
  newRun(runDir)
  const noted = await importedBackbone(path, backbone, card, { allowChanged, progress })
  const found = readers[options.format](path, config)
  checkLabels(path, found, classesOf(given.task))
  if (!card && found.trainedOn) warnOfOtherModel(path, found.trainedOn, options.backbone, progress) // a card has hashes
  try {
    let imported: Imported | undefined
    await writeFolder(runDir, false, (folder) => {
      const experiment = checked(folder, { ...given, method: found.method }, path)
      writeAtomically(join(folder, 'experiment.yaml'), experimentYaml(storedPlaces(experiment, runDir)))
      const method = experiment.method as SharedOptions
      const tensors = ourTensors(found, found.names(method, config), config)
      writeSafetensors(join(folder, 'best.safetensors'), tensors)
      const count = tensors.reduce((sum, [, { data }]) => sum + data.length, 0)
      const facts = { trained_parameters: count, data_sha256: (!options.task && card?.data_sha256) || {} }
      const from = { format: options.format, folder: resolve(path) }
      writeJson(join(folder, 'manifest.json'), importedManifest(from, noted, experiment, config, facts))
      imported = { folder: runDir, method, trained_parameters: count }
    })
    return imported!
  } finally {
    found.own.close()
    if (found.backbone !== found.own) found.backbone?.close()
  }
}

/** Formats that are read for an encoder. */
const FOR_ENCODERS: readonly ImportFormat[] = ['peft', 'adapterhub']

/**
 * Returns an experiment's backbone, and its task as that reads it: an encoder has a head with a row for each label,
 * which have an order then.
 */
async function withHeadOf(around: Omit<Experiment, 'method'>, progress: Progress) {
  const config = await dimensionsOf(around)
  const task = taskReadBy(config, await withLabels(around.task, config, progress))
  return { given: { ...around, task }, config: headedFor(config, task) }
}

/** @throws UserError where the rows of a head have the labels of the task in another order. */
function checkLabels(path: string, { labels = [] }: Found, classes: string[]): void {
  const same = labels.length === classes.length && labels.every((label) => classes.includes(label))
  if (!same || labels.join('\n') === classes.join('\n')) return
  throw new UserError({
    at: path,
    problem: `the rows of its head are ${labels.join(', ')}; the labels of the task are ${classes.join(', ')}.`,
    remedy: 'Give task.labels in the order of the rows.',
  })
}

/** Reads the experiment back from a run's experiment.yaml, with every check that a user's experiment gets. */
function checked(folder: string, experiment: object, path: string): Experiment {
  const file = join(folder, 'experiment.yaml')
  writeAtomically(file, yamlText(experiment))
  try {
    return readExperiment(file).experiment
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const words = [shownPath(file), file].reduce(
      (text, name) => text.replaceAll(name, 'experiment.yaml'),
      error.message,
    )
    const problem = `does not make an experiment here: ${words}`
    throw new UserError({ at: path, problem }, { cause: error })
  }
}

function ourTensors(
  { own, backbone, ignored }: Found,
  names: NameTable,
  config: BackboneConfig,
): [string, WritableTensor][] {
  const used = new Set<string>()
  const adapters = names.renamed.map((renamed): [string, WritableTensor] => {
    for (const name of renamed.theirs) used.add(name)
    return [renamed.ours, { shape: renamed.shape, data: valuesOf(own, renamed) }]
  })
  const trained = names.backbone.map(({ name, shape }): [string, WritableTensor] => {
    used.add(name)
    return [name, { shape, data: look(backbone ?? own, name, shape).read() }]
  })
  for (const file of new Set([own, backbone ?? own])) {
    const left = [...file.tensors.keys()].find((name) => !used.has(name) && !ignored(name))
    if (left === undefined) continue
    throw new UserError({
      at: file.path,
      problem:
        `has tensor ${left.slice(0, 120)}, which has no place in this method on a backbone of ` +
        `${[config.encoderLayers, config.decoderLayers].filter((layers) => layers > 0).join(' and ')} layers.`,
      remedy: 'Is it another backbone, or another kind of adapter?',
    })
  }
  return [...adapters, ...trained]
}

/** Returns the values of one of our tensors; copies of it in the file must be equal. */
function valuesOf(file: ForeignFile, { theirs, shape, transposed }: Renamed): Float32Array {
  const stored = transposed ? [...shape].reverse() : shape
  const [first, ...copies] = theirs.map((name) => look(file, name, stored))
  const values = first!.read()
  for (const [i, copy] of copies.entries()) {
    if (copy.read().every((value, at) => Object.is(value, values[at]))) continue
    throw new UserError({
      at: file.path,
      problem: `tensor ${theirs[i + 1]} differs from ${theirs[0]}; it must be a copy.`,
    })
  }
  return transposed ? transpose(values, stored).data : values
}

function look({ path, tensors }: ForeignFile, name: string, shape: number[]): ForeignTensor {
  const tensor = tensors.get(name)
  if (tensor && tensor.shape.join() === shape.join() && elements(shape) > 0) return tensor
  throw new UserError({
    at: path,
    problem: tensor
      ? `tensor ${name} has shape [${tensor.shape.join(', ')}]; [${shape.join(', ')}] was expected.`
      : `has no tensor ${name}.`,
    remedy: 'Is it another backbone, or another kind of adapter?',
  })
}
