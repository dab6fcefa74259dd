import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { experimentYaml, loadExperiment } from '../../src/experiment/load/load.js'
import { findRuns } from '../../src/report/find_runs.js'
import { groupRuns } from '../../src/run/compare/groups.js'
import type { Result, Scores } from '../../src/run/directory.js'

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'report-'))

export interface RunValues {
  /** Values of --set on the quickstart. */
  sets?: string[]
  /** Of the task, as a user could have named it. */
  task?: string
  test?: Scores
  finished?: boolean
  result?: Partial<Result>
  manifest?: object
  predictions?: object[]
  steps?: number
}

const MANIFEST = {
  compacter: '0.1.0',
  git_commit: null,
  node: 'v20.20.2',
  platform: 'linux-x64',
  tfjs: '4.22.0',
  device: 'TensorFlow 2.21.0, 2 CPU threads',
  trained_parameters: 18368,
  backbone_parameters: 9426688,
  backbone_sha256: 'ab'.repeat(32),
  data_sha256: { train: '11'.repeat(32), validation: '22'.repeat(32), test: '33'.repeat(32) },
}

/** Writes the files that a training leaves, but for tensors. */
export function writeRun(folder: string, values: RunValues = {}): string {
  const { sets = [], task, test = { accuracy: 61.25 }, finished = true, steps = 40 } = values
  mkdirSync(folder, { recursive: true })
  const experiment = loadExperiment('quickstart', ['training.steps=40', 'training.evaluate_every=10', ...sets])
  if (task !== undefined) experiment.task.name = task
  writeFileSync(join(folder, 'experiment.yaml'), experimentYaml(experiment))
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...MANIFEST, ...values.manifest }))
  writeFileSync(join(folder, 'metrics.jsonl'), metrics(steps))
  const result = {
    validation: test,
    test,
    best_step: 30,
    steps: 40,
    seconds: 83.4,
    step_seconds: 0.42,
    peak_memory_bytes: 2.5 * 2 ** 30,
    trained_parameters: 18368,
    backbone_parameters: 9426688,
    share_percent: 0.19485,
    ...values.result,
  }
  if (finished) writeFileSync(join(folder, 'result.json'), JSON.stringify(result))
  if (values.predictions)
    writeFileSync(
      join(folder, 'predictions.jsonl'),
      values.predictions.map((line) => `${JSON.stringify(line)}\n`).join(''),
    )
  return folder
}

function metrics(steps: number): string {
  return Array.from({ length: steps }, (_, i) => {
    const step = i + 1
    const line = { step, loss: 10 / step, learning_rate: 0.003 * (1 - step / 50), gradient_norm: 2 + (i % 3) }
    const evaluation = { step, split: 'validation', loss: 2 - step / 100, accuracy: 50 + step / 4 }
    return [line, ...(step % 10 === 0 ? [evaluation] : [])].map((value) => `${JSON.stringify(value)}\n`).join('')
  }).join('')
}

/** The groups that a report makes of these runs. */
export const groupsOf = (runs: RunValues[]) => {
  const folder = newFolder()
  return groupRuns(findRuns(runs.map((values, i) => writeRun(join(folder, `run${i}`), values))).runs)
}

/** Runs that differ in their seed and their scores only. */
export const seeds = (sets: string[], scores: Record<string, number>[], more: RunValues = {}): RunValues[] =>
  scores.map((test, seed) => ({ sets: [...sets, `training.seed=${seed}`], test, ...more }))
