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
export type BackboneOptions = z.infer<typeof backboneOptions>

const count = z.int().min(1)

/** Of `best_metric`: the mean of a task's metrics. */
export const MEAN = 'mean'

export const trainingOptions = z.strictObject({
  epochs: count.optional().describe('Passes over the training rows; this or steps.'),
  steps: count.optional().describe('Optimiser steps; this or epochs.'),
  batch_size: z
    .union([count, z.literal('auto')], { error: 'must be a whole number of at least 1, or auto.' })
    .default(100)
    .describe('Rows a step; auto: as many as fit into the memory that is free when the run starts, 512 at most.'),
  micro_batch_size: count
    .optional()
    .describe('Rows of a step that are computed at once; their gradients are summed up. All of them without.'),
  evaluation_batch_size: count.default(100).describe('Rows decoded at once in evaluation.'),
  evaluation_rows: count
    .optional()
    .describe('Validation rows that evaluations during training are on, drawn at random; all of them unless told.'),
  learning_rate: z.number().positive().describe("Peak learning rate; a method preset's own unless told."),
  optimizer: z
    .enum(['adam', 'adamw', 'adafactor'])
    .default('adam')
    .describe(
      'Adam, with decoupled weight decay as adamw; or Adafactor, which keeps one number a row and a column of a matrix.',
    ),
  weight_decay: z
    .number()
    .min(0)
    .default(0)
    .describe('Share of every trained value, times the learning rate, that adamw and adafactor take off it each step.'),
  schedule: z
    .enum(SCHEDULES)
    .default('linear')
    .describe(
      'How the learning rate goes on after the warm-up: down to 0 along a line or half a cosine, or not at all.',
    ),
  warmup_steps: z
    .union([z.int().min(0), z.number().gt(0).lt(1)], {
      error: 'must be a whole number of steps, or a share of the run between 0 and 1.',
    })
    .default(500)
    .describe(
      'Steps in which the learning rate rises linearly from 0, or their share of the run. Half of a run that has fewer steps.',
    ),
  seed: z.int().min(0).max(0xffffffff).default(42).describe('Seed of initialisation, data order and dropout.'),
  start_from: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A run, or an export of one, whose trained tensors this training starts from; they have the same names and shapes. Drawn with the seed without.',
    ),
  group_by_length: z
    .boolean()
    .default(false)
    .describe(
      'Whether rows of like length share a batch: less padding, but the same rows meet more often than in random order.',
    ),
  scoring: z
    .enum(SCORINGS)
    .default('generate')
    .describe(
      'How outputs are found in evaluations, in the test at the end, and by eval and predict unless told: greedy decoding, or the likeliest of the labels or choices.',
    ),
  best_metric: z
    .string()
    .default(MEAN)
    .describe(
      'Which of task.metrics chooses the best checkpoint; mean: the mean of them all, without errors where there are others; loss: the loss of the validation rows.',
    ),
  patience: count
    .optional()
    .describe(
      'Evaluations in a row without a better score after which the training ends; it goes on to its last step without.',
    ),
  evaluate_every: count.optional().describe('Steps between evaluations; an epoch unless told.'),
  checkpoint_every: count.default(100).describe('Steps between the checkpoints that --resume continues from.'),
  keep: z
    .enum(['all', 'best'])
    .default('all')
    .describe(
      'What a finished run leaves: the last tensors and the checkpoint, from which it can go on, next to the best ones; or the best ones alone.',
    ),
  source_length: count.default(128).describe('Tokens of a source, </s> included; longer ones are cut.'),
  target_length: count.optional().describe('Tokens of a target; those of the longest label and </s> unless told.'),
  label_smoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of each target token that is spread evenly over the vocabulary, as in PyTorch.'),
  gradient_clip_norm: z.number().positive().default(1).describe('Largest norm of the whole gradient.'),
  dropout: z.number().min(0).lt(1).optional().describe("Dropout rate while training; the backbone's own unless told."),
  engine_mode: z
    .enum(['auto', ...MODES])
    .default('auto')
    .describe('Steps as captured graphs, which TensorFlow alone has, or op by op; auto captures what is long enough.'),
  precision: z
    .enum(PRECISIONS)
    .default('float32')
    .describe('bfloat16: products of bfloat16 operands and frozen matrices in it; everything else stays float32.'),
  checkpoint_activations: z
    .boolean()
    .default(false)
    .describe(
      'Whether the inputs of layers alone are kept, and the rest is computed again for the gradient: less memory.',
    ),
  tensorboard: z
    .boolean()
    .default(false)
    .describe('Whether the run also holds its metrics as TensorBoard event files.'),
})
export type TrainingOptions = z.infer<typeof trainingOptions>

/** Rows a step of an experiment in force, in which `auto` has become a number. */
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
  backbone: backboneOptions.describe('The frozen pretrained T5.'),
  method: methodOptions.describe('What is trained.'),
  task: taskOptions.describe('Rows, prompt, targets, metrics.'),
  training: trainingOptions.describe('How it is trained.'),
})
export type Experiment = z.infer<typeof experimentSchema>

/** Where in an experiment any text may stand. */
export const isExperimentText: IsText = (path) => takesText(experimentSchema, path)
