import { type BackboneConfig, isEncoder, readsSegments } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import type { Experiment } from '../../experiment/schema.js'
import { type Answerable, decodedTask, encodedTask, isEncoded } from '../../task/encoded.js'
import type { TaskOptions } from '../../task/options.js'
import { encoderReader } from '../../task/tokens/encoder_reader.js'
import type { RowReader } from '../../task/tokens/reader.js'
import { textReader } from '../../task/tokens/tokenise.js'
import type { OpenedBackbone } from './prepare.js'

/** A task's rows as a backbone reads them. */
export interface Reading {
  task: TaskOptions
  reader: RowReader
}

/** Returns a task as that backbone reads it. */
export const taskReadBy = (config: BackboneConfig, task: TaskOptions): TaskOptions =>
  isEncoder(config) ? encodedTask(task) : decodedTask(task)

/** Returns how a backbone reads the rows of an experiment; `classes` are the labels that a head has rows for. */
export function readingOf(
  { task, training }: Pick<Experiment, 'task' | 'training'>,
  { config, files, tokenizer }: OpenedBackbone,
  classes: readonly string[],
): Reading {
  const { source_length: source, target_length: target = Number.MAX_SAFE_INTEGER } = training
  const read = taskReadBy(config, task)
  if (!isEncoded(read)) return { task: read, reader: textReader(tokenizer, { source, target }) }
  const { template } = tokenizer
  if (!template) {
    throw new UserError({
      at: files.tokenizerFile,
      problem: 'does not say how a row is made of one text or two (post_processor).',
      remedy: 'Save it with AutoTokenizer.from_pretrained(…).save_pretrained(…).',
    })
  }
  return {
    task: read,
    reader: encoderReader(
      read as Answerable,
      classes,
      { ...tokenizer, template },
      { limit: source, segments: readsSegments(config) },
    ),
  }
}
