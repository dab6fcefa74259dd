import { type Result, type RunFiles, writeJson } from '../../run/directory.js'
import { appendMetrics, type MetricsLine, syncMetrics } from '../../run/log/metrics_log.js'
import type { GraphFacts, Manifest } from '../../run/manifest.js'
import type { RunState } from '../../run/state.js'
import { saveCheckpoint, saveTrained } from '../model/checkpoint.js'
import type { Blueprint } from '../model/model.js'
import type { OptimizerState } from '../optimizer/optimizer.js'

/** Receives what a training run leaves behind, as it comes. */
export interface RunRecord {
  manifest(manifest: Manifest): void
  /** Called for a graph when it is first used. */
  graph(graph: GraphFacts): void
  metrics(line: MetricsLine): void
  checkpoint(state: OptimizerState, run: RunState): Promise<void>
  best(state: OptimizerState): Promise<void>
  last(state: OptimizerState): Promise<void>
  result(result: Result): void
}

/** Records into a run's folder. */
export function recordInto(files: RunFiles, blueprint: Blueprint, tensorboard: boolean): RunRecord {
  let written: Manifest | undefined
  const manifest = (manifest: Manifest) => {
    written = manifest
    writeJson(files.manifest, manifest)
  }
  return {
    manifest,
    graph(graph) {
      if (!written) return
      const seconds = Math.round(graph.seconds * 100) / 100
      manifest({ ...written, graphs: [...written.graphs, { ...graph, seconds }] })
    },
    metrics: (line) => appendMetrics(files.metrics, line, { tensorboard }),
    checkpoint(state, run) {
      syncMetrics(files.metrics)
      return saveCheckpoint(files.checkpoint, state, run)
    },
    best: (state) => saveTrained(files.best, blueprint, state),
    last: (state) => saveTrained(files.last, blueprint, state),
    result: (result) => writeJson(files.result, result),
  }
}

/** The record of a rank that is not rank 0: nothing is written. */
export const noRecord: RunRecord = {
  manifest() {},
  graph() {},
  metrics() {},
  async checkpoint() {},
  async best() {},
  async last() {},
  result() {},
}
