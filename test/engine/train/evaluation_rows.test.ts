// rows: torch.randperm(20, generator=torch.Generator().manual_seed(42))[:6]
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { silent } from '../../../src/base/progress.js'
import { evaluationRows } from '../../../src/engine/train/evaluation_rows.js'
import { closeAll, prepare } from '../../../src/engine/train/prepared.js'
import { train } from '../../../src/engine/train/train.js'
import { loadExperiment } from '../../../src/experiment/load/load.js'
import { smallExperiment } from '../../support/cli.js'
import { engines } from '../../support/engines.js'

const DRAWN = [2, 14, 18, 15, 1, 10].sort((a, b) => a - b)

const { folder, file } = smallExperiment({ steps: 1, batch_size: 4, source_length: 32, evaluation_rows: 6 })
afterAll(() => rmSync(folder, { recursive: true }))

test('evaluations are on the rows that PyTorch draws, with their tokens and texts, whatever the training’s seed', async () => {
  for (const seed of [1, 2]) {
    const whole = await prepare(loadExperiment(file, ['training.evaluation_rows=null']), silent)
    const some = await prepare(loadExperiment(file, [`training.seed=${seed}`]), silent)
    const [all, drawn] = [whole.validation, some.validation]
    expect([all.rows, drawn.rows, drawn.drawnFrom]).toEqual([20, 6, 20])
    for (const [i, row] of DRAWN.entries()) {
      expect([...drawn.tokens.source(i)]).toEqual([...all.tokens.source(row)])
      expect([...drawn.tokens.target(i)]).toEqual([...all.tokens.target(row)])
      expect([drawn.lengths[i], drawn.targetLengths[i]]).toEqual([all.lengths[row], all.targetLengths[row]])
    }
    const texts = await all.examples()
    expect(await drawn.examples()).toEqual(DRAWN.map((row) => texts[row]))
    expect(await drawn.examplesAt([5, 0])).toEqual([texts[DRAWN[5]!], texts[DRAWN[0]!]])
    expect(some.test.rows).toBe(20)
    closeAll(whole)
    closeAll(some)
  }
})

test('training says on how many rows, in its log and manifest; asked for more than exist, it takes all', async () => {
  const notes: string[] = []
  const progress = { ...silent, note: (text: string) => void notes.push(text) }
  const run = join(folder, 'run')
  const options = { engine: engines[0]!, threads: 1, folder: run, resume: false, interrupted: () => false, progress }
  const { validation } = await train(loadExperiment(file), options)
  expect((validation.accuracy! * 6) / 100).toBeCloseTo(Math.round((validation.accuracy! * 6) / 100), 9)
  expect(notes).toContain(
    'Evaluations are on 6 of the 20 validation rows (training.evaluation_rows); the test is on all of its rows.',
  )
  expect(JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8')).evaluation_rows).toEqual({ rows: 6, of: 20 })
  const split = { name: 'validation', rows: 20 } as never
  expect(evaluationRows(split, 21, progress)).toBe(split)
  expect(notes.at(-1)).toBe('Evaluations are on all 20 validation rows: training.evaluation_rows is 21.')
})

test('rows of a group are not parted', () => {
  expect(() => loadExperiment(file, ['task.group=text'])).toThrow(
    'training.evaluation_rows is 6, but task.group is "text": it would part rows that belong together. Take the key out',
  )
})
