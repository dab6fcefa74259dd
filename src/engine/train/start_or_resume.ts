import { existsSync } from 'node:fs'
import type { Progress } from '../../base/progress.js'
import type { Experiment } from '../../experiment/schema.js'
import type { RunFiles } from '../../run/directory.js'
import type { RunState } from '../../run/state.js'
import { loadCheckpoint, restoreBest } from '../model/checkpoint.js'
import { type Blueprint, startVector } from '../model/model.js'
import { type OptimizerState, startState } from '../optimizer/optimizer.js'
import { optimizerOf } from '../optimizer/optimizers.js'
import type { OpenedBackbone } from '../prepare/prepare.js'
import type { Start } from './start_from.js'

/**
 * Returns the state that training continues from: that of the checkpoint, or if there is none, that of step 0, from
 * `start` if it is given.
 */
export async function startOrResume(
  files: RunFiles,
  blueprint: Blueprint,
  { experiment: { training }, backbone }: { experiment: Experiment; backbone: OpenedBackbone },
  progress: Progress,
  start: Start | undefined,
): Promise<{ state: OptimizerState; run: RunState }> {
  const { layout } = blueprint
  if (existsSync(files.checkpoint)) {
    const { optimizer, run } = loadCheckpoint(files.checkpoint, layout, optimizerOf(training))
    await restoreBest(files, blueprint, optimizer, run, progress.warn)
    return { state: optimizer, run }
  }
  const vector = start?.vector ?? startVector(blueprint, backbone.files.read, training.seed)
  const state = startState(vector, optimizerOf(training).moments(layout))
  return { state, run: { evaluatedStep: 0, seconds: 0 } }
}
