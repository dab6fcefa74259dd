import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { backboneIsHere } from '../backbone/files/locate.js'
import type { BackboneConfig } from '../backbone/registry.js'
import { FORMATS, type Format } from '../base/choices.js'
import { UserError } from '../base/error.js'
import { writeAtomically } from '../base/files/atomic.js'
import { checkWritableFolder } from '../base/files/writable_folder.js'
import type { Progress } from '../base/progress.js'
import { version } from '../base/root.js'
import { elements, openSafetensors } from '../base/safetensors/safetensors.js'
import { checkTrained } from '../engine/model/checkpoint.js'
import { blueprintOf } from '../engine/model/model.js'
import { headedFor } from '../engine/prepare/head.js'
import type { MethodOptions } from '../method/options.js'
import { CARD, type Card, cardText } from '../run/card.js'
import { checkBackbone, notedBackbone } from '../run/made_with.js'
import { checkBackboneThere } from '../run/places.js'
import { openTrainedRun, type TrainedRun, withBackbone } from '../run/trained_run.js'
import { adapterhubFormat } from './adapterhub/write.js'
import { dimensionsOf } from './elsewhere.js'
import { checkTarget, writeFolder } from './folder.js'
import type { ExportFormat } from './format.js'
import { huggingfaceFormat } from './huggingface/write.js'
import { opendeltaFormat } from './opendelta/write.js'
import { peftFormat } from './peft/write.js'
import { readme } from './readme/readme.js'
import { safetensorsFormat } from './safetensors/write.js'
import { savedModelFormat } from './saved_model/saved_model.js'

const formats: Record<Format, ExportFormat> = {
  safetensors: safetensorsFormat,
  huggingface: huggingfaceFormat,
  peft: peftFormat,
  adapterhub: adapterhubFormat,
  opendelta: opendeltaFormat,
  'saved-model': savedModelFormat,
}

export interface ExportOptions {
  format: Format
  /** Folder to create. */
  out: string
  /** Replace an existing export. */
  force: boolean
  /** Where the run's backbone and data are now, as in `--set`. */
  sets?: readonly string[]
  /** Continue with another backbone than the run's. */
  allowChanged?: boolean | undefined
  progress: Progress
}

export interface Exported {
  format: Format
  folder: string
  bytes: number
  trained_parameters: number
  files: string[]
}

/**
 * Writes a run's best trained tensors, or those of an exported safetensors folder, in a format that other programs
 * read.
 * @throws UserError where the format cannot hold the method, or the target exists.
 */
export async function exportRun(
  run: string,
  { format, out, force, sets, allowChanged, progress }: ExportOptions,
): Promise<Exported> {
  const trained = openTrainedRun(run, sets)
  const { experiment, made } = trained
  checkBackboneThere(run, experiment)
  if (!existsSync(out)) checkWritableFolder(out, 'an export', '--out')
  checkTarget(out, force)
  const config = headedFor(await dimensionsOf(experiment), experiment.task)
  checkFormat(experiment.method, config, format)
  const tensors = openSafetensors(trained.tensors)
  try {
    checkTrained(tensors, blueprintOf(config, experiment.method).layout, trained.step)
    const holds = await heldBackbone(trained, formats[format], { allowChanged: allowChanged ?? false, progress })
    const count = [...tensors.entries.values()].reduce((sum, { shape }) => sum + elements(shape), 0)
    const changed = made.weights !== undefined && holds.sha256 !== made.weights
    const card: Card = {
      format,
      compacter: version,
      method: experiment.method,
      backbone: { name: experiment.backbone.name, ...holds },
      data_sha256: made.rows,
      task: experiment.task.name,
      metrics: changed ? null : trained.metrics, // the scores belong to other weights
      trained_parameters: count,
      experiment,
    }
    await writeFolder(out, force, async (folder) => {
      const loading = await formats[format].write(folder, { run: trained, experiment, config, tensors, progress })
      writeAtomically(join(folder, CARD), cardText(card))
      writeAtomically(join(folder, 'README.md'), readme(card, loading))
    })
    const files = filesIn(out)
    const bytes = files.reduce((sum, file) => sum + statSync(join(out, file)).size, 0)
    return { format, folder: out, bytes, trained_parameters: count, files }
  } finally {
    progress.end()
    tensors.close()
  }
}

/**
 * Returns the hashes of the backbone that an export holds or belongs to: of the backbone here if it is inside,
 * otherwise of the one that was trained on.
 * @throws Changed where they differ, unless changes are allowed
 */
async function heldBackbone(
  { folder, experiment, made }: TrainedRun,
  { holdsBackbone }: ExportFormat,
  { allowChanged, progress }: { allowChanged: boolean; progress: Progress },
): Promise<{ sha256: string; tokenizer_sha256?: string | undefined }> {
  const { name } = experiment.backbone
  const noted = made.weights !== undefined && { sha256: made.weights, tokenizer_sha256: made.tokenizer }
  if (!holdsBackbone && noted && !(await backboneIsHere(name))) return noted
  return withBackbone(name, progress, (backbone) => {
    checkBackbone(folder, made, backbone, { allowChanged, warn: progress.warn })
    const { backbone_sha256: sha256, tokenizer_sha256 } = notedBackbone(backbone)
    return noted && !holdsBackbone ? noted : { sha256, tokenizer_sha256 }
  })
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .sort()

const refusalOf = (format: Format, options: MethodOptions, config: BackboneConfig): string | undefined =>
  formats[format].refusal(options, config)

function checkFormat(options: MethodOptions, config: BackboneConfig, format: Format): void {
  const reason = refusalOf(format, options, config)
  if (reason === undefined) return
  const working = FORMATS.filter((name) => refusalOf(name, options, config) === undefined)
  throw new UserError({
    at: `--format ${format}`,
    problem: reason,
    remedy: `Formats that hold this method: ${working.join(', ')}.`,
  })
}
