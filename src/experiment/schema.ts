import { z } from 'zod'
import { MODES, PRECISIONS, SCHEDULES, SCORINGS } from '../base/choices.js'
import type { IsText } from '../base/yaml/yaml.js'
import { methodOptions } from '../method/options.js'
import { taskOptions } from '../task/options.js'
import { takesText } from './schema_walk.js'

export const backboneOptions = z.strictObject({
  name: z.string().min(1).describe('A preset, a Hugging Face model id, or a directory.'),
  trim_vocabulary: z
    .boolean()
    .default(false)
    .describe("Whether embedding rows beyond the tokenizer's vocabulary are dropped, as the paper's code does."),
})

const count = z.int().min(1)

/** The value of `best_metric` for the mean of a task's metrics. */
export const MEAN = 'mean'

export const trainingOptions = z.strictObject({
  epochs: count.optional().describe('Passes over the training rows; this or steps.'),
  steps: count.optional().describe('Optimiser steps; this or epochs.'),
  batch_size: z
    .union([count, z.literal('auto')], { error: 'must be a whole number of at least 1, or auto.' })
    .default(100)
    .describe('Rows per step; auto: as many as fit into the memory that is free when the run starts, 512 at most.'),
  micro_batch_size: count
    .optional()
    .describe('Rows of a step that are computed at once; their gradients are summed. Default: all of them.'),
  evaluation_batch_size: count.default(100).describe('Rows decoded at once in evaluation.'),
  evaluation_rows: count
    .optional()
    .describe('Validation rows for evaluations during training, drawn at random; default: all of them.'),
  learning_rate: z.number().positive().describe("Peak learning rate; default: the method preset's own."),
  optimizer: z
    .enum(['adam', 'adamw', 'adafactor'])
    .default('adam')
    .describe(
      'Adam, with decoupled weight decay as adamw; or Adafactor, which keeps one number per row and per column ' +
        'of a matrix.',
    ),
  weight_decay: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'Share of every trained value, times the learning rate, that adamw and adafactor subtract from it ' +
        'at each step.',
    ),
  schedule: z
    .enum(SCHEDULES)
    .default('linear')
    .describe(
      'What the learning rate does after the warm-up: it falls to 0 along a line or half a cosine, or stays constant.',
    ),
  warmup_steps: z
    .union([z.int().min(0), z.number().gt(0).lt(1)], {
      error: 'must be a whole number of steps, or a share of the run between 0 and 1.',
    })
    .default(500)
    .describe(
      'Steps in which the learning rate rises linearly from 0, or their share of the run. In a run with fewer ' +
        'steps, half of them.',
    ),
  seed: z.int().min(0).max(0xffffffff).default(42).describe('Seed of initialisation, data order and dropout.'),
  start_from: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A run, or an export of one, whose trained tensors this training starts from; they need the same names and ' +
        'shapes. Default: drawn with the seed.',
    ),
  group_by_length: z
    .boolean()
    .default(false)
    .describe(
      'Whether rows of similar length share a batch: less padding, but the same rows meet more often than in ' +
        'random order.',
    ),
  scoring: z
    .enum(SCORINGS)
    .default('generate')
    .describe(
      'How outputs are found in evaluations, in the test at the end, and by default in eval and predict: by ' +
        'greedy decoding, or as the likeliest of the labels or choices.',
    ),
  best_metric: z
    .string()
    .default(MEAN)
    .describe(
      'Which of task.metrics chooses the best checkpoint; mean: the mean of them all, without errors if there ' +
        'are other metrics; loss: the loss of the validation rows.',
    ),
  patience: count
    .optional()
    .describe(
      'Consecutive evaluations without a better score after which training ends. Default: it runs to its last step.',
    ),
  evaluate_every: count.optional().describe('Steps between evaluations; default: an epoch.'),
  checkpoint_every: count.default(100).describe('Steps between the checkpoints that --resume continues from.'),
  keep: z
    .enum(['all', 'best'])
    .default('all')
    .describe(
      'What a finished run leaves: the best tensors and also the last ones with the checkpoint, from which it ' +
        'can continue; or the best ones alone.',
    ),
  source_length: count.default(128).describe('Tokens of a source, </s> included; longer ones are cut.'),
  target_length: count.optional().describe('Tokens of a target; default: those of the longest label and </s>.'),
  label_smoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of each target token that is spread evenly over the vocabulary, as in PyTorch.'),
  gradient_clip_norm: z
    .number()
    .positive()
    .default(1)
    .describe('Largest norm of the whole gradient; a larger one is scaled down.'),
  dropout: z.number().min(0).lt(1).optional().describe("Dropout rate while training; default: the backbone's own."),
  engine_mode: z
    .enum(['auto', ...MODES])
    .default('auto')
    .describe(
      'Steps as captured graphs, which only TensorFlow has, or op by op; auto captures if the training ' +
        'is long enough.',
    ),
  precision: z
    .enum(PRECISIONS)
    .default('float32')
    .describe(
      'bfloat16: matrix products have bfloat16 operands, and frozen matrices are kept in it; everything ' +
        'else stays float32.',
    ),
  checkpoint_activations: z
    .boolean()
    .default(false)
    .describe(
      'Whether only the inputs of layers are kept and the rest is computed again for the gradient: less memory, ' +
        'more time.',
    ),
  tensorboard: z
    .boolean()
    .default(false)
    .describe('Whether the run also holds its metrics as TensorBoard event files.'),
})
export type TrainingOptions = z.infer<typeof trainingOptions>

/** Returns the rows per step of an experiment in which `auto` has become a number. */
export function rowsAStep({ batch_size }: Pick<TrainingOptions, 'batch_size'>): number {
  if (batch_size === 'auto') throw new Error('the batch size is not chosen yet')
  return batch_size
}

/** A whole experiment with its presets merged in and every default in force. */
export const experimentSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, {
      error: 'must be letters, digits, dots, dashes and underscores: it names the run directory.',
    })
    .describe('Names the run directory.'),
  backbone: backboneOptions.describe('The pretrained model that the method is added to.'),
  method: methodOptions.describe('What is trained.'),
  task: taskOptions.describe('Rows, prompt, targets, metrics.'),
  training: trainingOptions.describe('How it is trained.'),
})
export type Experiment = z.infer<typeof experimentSchema>

/** Whether any text is allowed at a path of an experiment. */
export const isExperimentText: IsText = (path) => takesText(experimentSchema, path)
