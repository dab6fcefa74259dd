import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { silent } from '../../../src/base/progress.js'
import { predictRuns } from '../../../src/predict/predict.js'
import { engines } from '../../support/engines.js'

/** A row of `compacter predict` as JSON. */
export interface PredictedRow {
  prediction: string | string[]
  scores?: Record<string, number>
  probabilities: Record<string, number> | (number | null)[]
}

/** What `compacter predict` writes for a row with these columns. */
export async function predicted(run: string, values: object): Promise<PredictedRow> {
  const [file, output] = ['row.jsonl', 'predicted.jsonl'].map((name) => join(run, name)) as [string, string]
  writeFileSync(file, `${JSON.stringify(values)}\n`)
  await predictRuns([run], {
    ...{ engine: engines[0]!, sets: [], format: 'jsonl', progress: silent },
    ...{ input: { texts: [], file }, output: { file: output, force: true } },
  })
  return JSON.parse(readFileSync(output, 'utf8'))
}
