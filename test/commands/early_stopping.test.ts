import { expect, test } from 'vitest'
import { decided, deciding } from '../../src/engine/evaluate/evaluate.js'
import { compacter, smallExperiment } from '../support/cli.js'

test('patience ends a training whose score stays, and keeps the first of equal checkpoints', async () => {
  const { folder, file } = smallExperiment({
    steps: 40,
    batch_size: 4,
    micro_batch_size: 2,
    learning_rate: 1e-12,
    evaluate_every: 2,
    patience: 2,
  })
  const { code, stdout, stderr } = await compacter(['train', file, '--run-dir', `${folder}/run`, '--json'])
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(
      /Training ends here: 2 evaluations in a row brought nothing better than the accuracy \d+\.\d\d of step 2 \(training\.patience\)\./,
    ),
  })
  expect(stderr).toMatch(
    /Steps: .*\n\s*Batch size 4 in parts of 2 rows; adam, learning rate 1e-12, linear schedule, 20 warm-up steps\.\n/,
  )
  const result = JSON.parse(stdout)
  expect([result.steps, result.planned_steps, result.best_step]).toEqual([6, 40, 2])
  const again = await compacter(['train', file, '--run-dir', `${folder}/run`, '--resume', '--json'])
  expect(JSON.parse(again.stdout)).toEqual(result)
})

test('the best checkpoint is that of one metric, or of their mean', () => {
  const scores = { pearson: 40, spearman: 20 }
  expect([deciding(scores, 'mean'), deciding(scores, 'spearman')]).toEqual([30, 20])
  const errors = { mae: 2, rmse: 4 } // less is better: of two scores the larger one is of the smaller error
  expect([deciding(errors, 'mean'), deciding({ ...scores, ...errors }, 'rmse')]).toEqual([-3, -4])
  expect(deciding({ ...scores, ...errors, loss: 1 }, 'mean')).toBe(30)
  expect(deciding({ ...scores, loss: 1.5 }, 'loss')).toBe(-1.5)
})

test('the best value is written with what it is of', () => {
  const best = (score: number) => ({ step: 2, score, validation: { pearson: 40, spearman: 20, mae: 2 }, loss: 1.5 })
  expect(decided(best(30), 'mean')).toBe('mean of pearson and spearman 30.00')
  expect(decided(best(-2), 'mae')).toBe('mae 2.00')
  expect(decided(best(-1.5), 'loss')).toBe('loss 1.500')
  expect(decided({ ...best(-2), validation: { mae: 2 } }, 'mean')).toBe('mae 2.00')
})

test('best_metric is one of the task’s', async () => {
  const { file } = smallExperiment({ steps: 2, best_metric: 'f1' })
  const { code, stderr } = await compacter(['config', 'validate', file])
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(
      /training\.best_metric is "f1", which is not among the task's metrics\. Choose one of mean, loss, accuracy\./,
    ),
  })
})
