import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashFiles } from '../backbone/hash.js'
import type { Device } from '../engine/device.js'
import type { Experiment } from '../experiment/schema.js'
import { packageRoot } from '../root.js'
import tf from '../tf.cjs'

/** What a run was made with, so that it can be told from another and repeated. */
export interface Manifest {
  compacter: string
  git_commit: string | null
  node: string
  platform: string
  tfjs: string
  engine: string
  engine_version: string
  device: string
  threads: number
  /** How steps are taken: as captured graphs, or op by op. */
  engine_mode: 'replay' | 'eager'
  precision: 'float32' | 'bfloat16'
  seed: number
  trained_parameters: number
  backbone_parameters: number
  backbone_sha256: string
  data_sha256: Record<string, string>
}

export function manifestOf(
  experiment: Experiment,
  device: Device,
  facts: Pick<Manifest, 'trained_parameters' | 'backbone_parameters' | 'backbone_sha256' | 'engine_mode'>,
  dataFiles: Record<string, string[]>,
): Manifest {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
  return {
    compacter: version,
    git_commit: gitCommit(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    tfjs: tf.version_core,
    engine: device.engine,
    engine_version: device.version,
    device: device.description,
    threads: device.threads,
    precision: experiment.training.precision,
    seed: experiment.training.seed,
    ...facts,
    data_sha256: Object.fromEntries(Object.entries(dataFiles).map(([split, files]) => [split, hashFiles(files)])),
  }
}

/** The commit of the toolkit's own checkout; null where it was installed as a package. */
function gitCommit(): string | null {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', packageRoot, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim()
    return git('rev-parse', '--show-toplevel') === packageRoot ? git('rev-parse', 'HEAD') : null
  } catch {
    return null
  }
}
