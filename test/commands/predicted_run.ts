import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { readTable } from '../../src/task/rows/table.js'
import { makeRun } from '../export/made_run.js'
import { compacter, type Ended, smallExperiment, start } from '../support/cli.js'
import { engines } from '../support/engines.js'

export const engine = ['--engine', engines[0]!, '--threads', '1']
// Hardly trained, the bundled T5 still answers positive or negative, by the row.
export const { folder, file } = smallExperiment({
  steps: 2,
  batch_size: 4,
  warmup_steps: 1,
  learning_rate: 1e-7,
  source_length: 64, // of the longest text 54 are needed
  target_length: 8,
})
export const run = join(folder, 'run')
export const noise = join(folder, 'noise')
export const path = (name: string) => join(folder, name)

export interface Written {
  row: number
  prediction: string
  scores?: Record<string, number>
}
export interface Predicted {
  prediction: string
  probabilities: Record<string, number>
}
export async function tableOf(file: string): Promise<Record<string, unknown>[]> {
  const rows = []
  for await (const row of readTable(file)) rows.push('values' in row ? row.values : row)
  return rows as Record<string, unknown>[]
}
export const jsonLines = <T>(text: string): T[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

export const predict = (args: string[], stdin?: string | Buffer): Promise<Ended> => {
  const { process, ended } = start(['predict', ...args, ...engine], {}, stdin === undefined ? 'ignore' : 'pipe')
  process.stdin?.end(stdin)
  return ended
}

/** What `eval` makes of the test rows, in the file's order. */
export async function evaluated(scoring: string): Promise<Written[]> {
  const predictions = path(`${scoring}.jsonl`)
  const { code, stderr } = await compacter(['eval', run, '--scoring', scoring, '--predictions', predictions, ...engine])
  expect(code, stderr).toBe(0)
  return jsonLines<Written>(readFileSync(predictions, 'utf8')).sort((a, b) => a.row - b.row)
}

export let texts: string[]
export let trained: Ended
beforeAll(async () => {
  trained = await compacter(['train', file, '--run-dir', run, ...engine])
  expect(trained.code, trained.stderr).toBe(0)
  const splits = ['train', 'validation', 'test'].map((split) => `task.${split}=${path(`${split}.jsonl`)}`)
  await makeRun(noise, 'method.preset=bitfit', ...splits)
  texts = jsonLines<{ text: string }>(readFileSync(path('test.jsonl'), 'utf8')).map(({ text }) => text)
})
afterAll(() => rmSync(folder, { recursive: true }))
