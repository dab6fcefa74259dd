import type { Pass } from '../../src/backbone/pass.js'
import { tensorsOf } from '../../src/engine/model/step.js'
import { teacherForced } from '../../src/objective/seq2seq.js'
import type { Batch } from '../../src/task/tokens/batches.js'
import type tf from '../../src/tensor/tf.cjs'

/** Logits [batch·target length, vocabulary] of a batch under teacher forcing. */
export const batchLogits = (pass: Pass, batch: Batch): tf.Tensor2D => teacherForced(pass, tensorsOf(batch))
