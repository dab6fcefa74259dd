import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { answering, scored } from '../scripted.js'

const folder = mkdtempSync(join(tmpdir(), 'evaluate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const rowsOf = (labels: Record<string, string | number>) =>
  Object.entries(labels).map(([text, label]) => ({ text, label }))

test('macro-F1 and F1 are of all labels that the rows of any split have, also those that this one lacks', async () => {
  const rows = rowsOf({ one: 'yes', two: 'yes', three: 'no', four: 'no' })
  const train = rowsOf({ a: 'yes', b: 'no', c: 'maybe' })
  const decoder = await answering({ one: 'yes', two: 'maybe', three: 'no', four: 'yes' })
  const { scores, invalid } = await scored(folder, decoder, { metrics: ['f1', 'macro_f1'], positive: 'no' }, rows, {
    train,
  })
  // yes: 2·1 / (2 + 2); no: 2·1 / (1 + 2), "maybe" on a row of yes is no "no"; maybe: 0 of 1 output
  expect(scores.f1).toBeCloseTo(200 / 3, 9)
  expect(scores.macro_f1).toBeCloseTo((50 + 200 / 3 + 0) / 3, 9)
  expect(invalid).toBe(0) // 'maybe' is a label, though no row of this split has it
})

test('a regression is scored against the column, not against targets in steps', async () => {
  const rows = rowsOf({ one: 0.91, two: 1.09, three: 2.4, four: 3 })
  const decoder = await answering({ one: '1.0', two: '1.0', three: '2.4', four: '3.0' })
  const { scores } = await scored(folder, decoder, { kind: 'regression' }, rows)
  // scipy.stats.pearsonr([0.91, 1.09, 2.4, 3], [1, 1, 2.4, 3]) and spearmanr: below 1, which they would be of the targets
  expect(scores.pearson).toBeCloseTo(99.737196, 6)
  expect(scores.spearman).toBeCloseTo(94.8683298, 6)
})
