import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MetricsLine } from '../../src/run/log/metrics_log.js'

/** What a run has logged. */
export const readMetricsLines = (run: string): MetricsLine[] =>
  readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
