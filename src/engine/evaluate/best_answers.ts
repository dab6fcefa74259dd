import { dirname } from 'node:path'
import { makeFolder } from '../../base/files/atomic.js'
import { hashFiles } from '../../base/files/hash.js'
import type { Experiment } from '../../experiment/schema.js'
import type { RunFiles } from '../../run/directory.js'
import { notedBackbone } from '../../run/made_with.js'
import type { PreparedSplit } from '../prepare/data.js'
import type { OpenedBackbone } from '../prepare/prepare.js'
import type { Evaluated } from './evaluate.js'
import { writePredictions } from './predictions.js'

interface Answering {
  experiment: Experiment
  backbone: OpenedBackbone
  validation: PreparedSplit
  test: PreparedSplit
}

/** Writes what the best checkpoint of a run answered, as `eval --predictions` does, into the run's folder. */
export function writeBestAnswers(
  files: RunFiles,
  { experiment, backbone, validation, test }: Answering,
  answered: Record<'validation' | 'test', Evaluated>,
): void {
  const { backbone_sha256, tokenizer_sha256 } = notedBackbone(backbone.files)
  const tensors = { trained_sha256: hashFiles([files.best]), backbone_sha256, tokenizer_sha256 }
  const { precision } = experiment.training
  for (const [split, { sha256 }, file] of [
    ['validation', validation, files.validationPredictions],
    ['test', test, files.testPredictions],
  ] as const) {
    makeFolder(dirname(file))
    const made = { ...tensors, data_sha256: { [split]: sha256 } }
    writePredictions(file, split, [{ run: files.folder, made, precision, ...answered[split] }])
  }
}
