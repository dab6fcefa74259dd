import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { backbonePreset } from '../../backbone/files/preset.js'
import { byteSize } from '../../base/text/size.js'
import { measureApart } from '../../engine/apart/measure.js'
import { systemAvailable } from '../../engine/device/memory.js'
import { type Experiment, rowsAStep } from '../../experiment/schema.js'
import { methodOf } from '../../method/registry.js'
import { runFiles } from '../../run/directory.js'
import { readableResult } from '../../run/records.js'
import type { PlannedSweep } from '../run/folder.js'
import type { LocalOptions } from '../run/local.js'
import { measureOf } from './kind.js'

/**
 * Returns how many of these cells can run at once: as many as are wanted, or as many as fit into the free memory if all
 * need what the largest needs. Its need is known from a finished cell, or measured with a few steps.
 */
export async function affordableJobs(
  folder: string,
  { cells }: PlannedSweep,
  indices: readonly number[],
  options: LocalOptions,
): Promise<number> {
  const jobs = Math.min(options.jobs, indices.length)
  if (jobs < 2) return 1
  const { progress } = options
  const largest = indices.map((index) => cells[index]!).reduce((a, b) => (size(b) > size(a) ? b : a))
  const alike = cells.filter(({ experiment }) => measureOf(experiment) === measureOf(largest.experiment))
  const peaks = alike.flatMap(({ name }) => readableResult(runFiles(join(folder, name)))?.peak_memory_bytes ?? [])
  let bytes = Math.max(0, ...peaks)
  if (bytes === 0) {
    progress.phase(`Memory of ${largest.name}`)
    const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / jobs))
    const measured = await measureApart(largest.experiment, { ...options, threads })
    if ('failure' in measured) {
      progress.warn(`What memory ${largest.name} needs is not known: ${measured.failure}`)
      return jobs
    }
    bytes = measured.plan.peak_memory_bytes
  }
  const free = systemAvailable()
  const fitting = Math.max(1, Math.floor(free / bytes))
  if (fitting >= jobs) return jobs
  progress.warn(
    `${largest.name} needs ${byteSize(bytes)} of memory and ${byteSize(free)} are free: ${fitting} at once in ` +
      `place of ${jobs}.`,
  )
  return fitting
}

/** Estimates a cell's memory, only to find the largest of several: weights, and activations of every layer. */
function size({ experiment: { backbone, method, training } }: { experiment: Experiment }): number {
  const config = backbonePreset(backbone.name)?.config
  if (!config) return 0
  const { dModel, encoderLayers, vocabulary } = config
  const { weights, positions = () => 0 } = methodOf(method)
  const activations = rowsAStep(training) * (training.source_length + positions(method)) * dModel * encoderLayers
  return activations * (weights === 'trained' ? 1.2 : 1) + vocabulary * dModel
}
