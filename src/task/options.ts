import { z } from 'zod'
import { SPLITS } from '../base/choices.js'
import { OWNED_HUB_ID } from '../hub/id.js'
import { TAG_METRICS } from './metrics/entities.js'

const column = z.string().min(1)
const dataFile = z.string().min(1)

const subset = z.strictObject({
  size: z.int().min(1).describe('Training rows to keep.'),
  seed: z.int().min(0).max(0xffffffff).default(0).describe('Which rows: the first of randperm(N, seed).'),
  stratified: z
    .boolean()
    .default(false)
    .describe('Whether each label, of a regression each number, keeps its share of the rows.'),
})
export type Subset = z.infer<typeof subset>

const ofRows = {
  name: z.string().min(1).describe('What results are listed under.'),
  train: dataFile
    .optional()
    .describe(
      'Training rows: a .jsonl, .json, .csv, .tsv or .parquet file with named columns; for tags of words also one ' +
        "with CoNLL's columns.",
    ),
  validation: dataFile.optional().describe('Rows that choose the best checkpoint.'),
  test: dataFile.optional().describe('Rows that the final score is for.'),
  benchmark: z
    .string()
    .min(1)
    .optional()
    .describe('Official files instead of those three, such as glue/mrpc: from the hub, or from `path`.'),
  dataset: z
    .string()
    .regex(OWNED_HUB_ID, { error: 'must be owner/name, as the hub has it.' })
    .optional()
    .describe('A data set on the Hugging Face hub instead of files, as owner/name, whose parquet files are read.'),
  config: z
    .string()
    .min(1)
    .optional()
    .describe('Which configuration of `dataset`, where it has several or a named one.'),
  splits: z
    .strictObject({ train: column.optional(), validation: column.optional(), test: column.optional() })
    .optional()
    .describe('What `dataset` calls its splits, where that is not train, validation and test.'),
  path: z.string().min(1).optional().describe("Folder with the benchmark's official files, instead of the hub."),
  split: z
    .enum(['given', 'halves', 'held_out', 'both_held_out'])
    .default('given')
    .describe(
      'Where validation and test come from. given: from their files. halves: each is half of validation. ' +
        'held_out: validation is `held_out` rows of train, and a benchmark, whose own test labels are hidden, ' +
        'has its validation as test. both_held_out: as many rows of train for test as for validation.',
    ),
  held_out: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Rows that split: held_out takes out of train for validation, and both_held_out for each of validation and ' +
        "test; default: the paper's 1000, but at most a fifth of train, or a tenth for each of the two.",
    ),
  split_seed: z
    .int()
    .min(0)
    .max(0xffffffff)
    .optional()
    .describe(
      'Decides which rows halves, held_out and both_held_out take, whatever training.seed is. ' +
        'Default: 42, as in the paper.',
    ),
  subset: subset.optional().describe('Train on a part of the rows; validation and test stay whole.'),
  on_bad_row: z.enum(['error', 'skip']).default('error').describe('What to do about rows that cannot be used.'),
}

const common = {
  ...ofRows,
  name_first: z
    .boolean()
    .default(false)
    .describe(
      "Whether the task's name, without its benchmark, is put before the source, as in the paper except with adapters.",
    ),
  prompt: z.string().min(1).describe('Source text; {column} becomes that column of the row.'),
  texts: z
    .array(z.string().min(1))
    .min(1)
    .max(2)
    .optional()
    .describe(
      'What an encoder reads instead of the prompt: one text, or a pair of them, with {column}s. Default: the ' +
        'columns of the prompt, the first as one text and the others as the second. A choice is put after the second.',
    ),
}

/** Returns the key for the scores, × 100, that a kind of task can have; `preset` is the default. */
const metricsOf = <const Names extends readonly [string, ...string[]]>(
  names: Names,
  preset: NoInfer<Names[number]>[],
) =>
  z
    .array(z.enum(names))
    .min(1)
    .default(preset as never)
    .describe('Scores, × 100; their mean chooses the best checkpoint.')

const classificationOptions = z.strictObject({
  kind: z.literal('classification').describe('The output is one of a few label texts.'),
  ...common,
  label: column.default('label').describe('Column that holds the label.'),
  labels: z
    .record(z.string(), z.string().min(1))
    .optional()
    .describe('Target text of each value of the label column; default: the value itself.'),
  label_names: z
    .record(z.string(), z.string().min(1))
    .optional()
    .describe('Names for people of the values of the label column; targets, outputs and scores do not change.'),
  positive: z.string().min(1).default('1').describe('Value of the label column that f1 and f1a are for.'),
  group: column.optional().describe('Column whose equal values mark rows that belong together: they share a split.'),
  metrics: metricsOf(['accuracy', 'f1', 'macro_f1', 'matthews', 'f1a', 'group_exact_match'], ['accuracy']),
})

const regressionOptions = z.strictObject({
  kind: z.literal('regression').describe('The output is a number, as text.'),
  ...common,
  label: column.default('label').describe('Column that holds the number.'),
  step: z.number().positive().default(0.2).describe('Targets are rounded to multiples of it, with its decimals.'),
  metrics: metricsOf(['pearson', 'spearman', 'mae', 'rmse'], ['pearson', 'spearman']).describe(
    'Scores, × 100; mae and rmse in the units of the label, less is better. The mean of the correlations chooses ' +
      'the best checkpoint, or that of the errors if there are no correlations.',
  ),
})

const textOptions = z.strictObject({
  kind: z.literal('text').describe('The output is any text.'),
  ...common,
  target: column.default('target').describe('Column that holds the target text.'),
  answers: column
    .optional()
    .describe('Column with a list of right outputs; the best match counts. Without it the target is the only one.'),
  each_answer: z
    .boolean()
    .default(false)
    .describe('Whether training has a row for each of the answers, instead of one for the target.'),
  metrics: metricsOf(['exact_match', 'token_f1', 'rouge_l', 'accuracy'], ['exact_match', 'rouge_l']),
})

const multipleChoiceOptions = z.strictObject({
  kind: z.literal('multiple_choice').describe("The output is the text of one of the row's choices."),
  ...common,
  choices: z
    .union([column, z.array(column).min(2)])
    .describe('Columns that hold the choices, or the one that holds a list of them.'),
  label: column.default('label').describe('Column that holds the number of the right choice, from 0.'),
  metrics: metricsOf(['accuracy'], ['accuracy']),
})

const tokenClassificationOptions = z.strictObject({
  kind: z
    .literal('token_classification')
    .describe('The output is a tag for each word, such as B-PER. Needs an encoder.'),
  ...ofRows,
  words: column.default('tokens').describe('Column that holds the words, as a list.'),
  tags: column.default('ner_tags').describe('Column that holds their tags, as a list of texts or numbers.'),
  columns: z
    .array(column)
    .min(2)
    .optional()
    .describe(
      "Names of the columns of CoNLL's files, in which each line has a word and blank lines end sentences: all files " +
        'but .jsonl, .json and .parquet. Default: the first is `words`, the last `tags`.',
    ),
  labels: z
    .record(z.string(), z.string().regex(/^\S+$/, { error: 'must have no white space.' }))
    .optional()
    .describe('Tag of each value of the tags column, such as `0: O`; default: the values of the training rows.'),
  metrics: metricsOf(TAG_METRICS, ['f1']).describe(
    "Scores, × 100: of entities as seqeval's default mode finds them, or the accuracy over words. Their mean chooses " +
      'the best checkpoint.',
  ),
})

/** A task; `kind` says how a row becomes text. File paths are absolute once an experiment is loaded. */
export const taskOptions = z.discriminatedUnion('kind', [
  classificationOptions,
  regressionOptions,
  textOptions,
  multipleChoiceOptions,
  tokenClassificationOptions,
])
export type TaskOptions = z.infer<typeof taskOptions>

/** Returns the scores that a kind of task can have. */
export function metricsOfKind(kind: TaskOptions['kind']): readonly string[] {
  const { metrics } = taskOptions.options.find(({ shape }) => shape.kind.value === kind)!.shape
  return metrics.unwrap().element.options
}

/** The keys that say which rows of the hub a task has. */
export type DatasetOptions = Pick<TaskOptions, 'config' | 'splits'> & { dataset: string }

/** Returns the data set that a task reads, or undefined where it has files. */
export const datasetOf = ({ dataset, config, splits }: TaskOptions): DatasetOptions | undefined =>
  dataset === undefined ? undefined : { dataset, config, splits }

type TextKeys = 'kind' | 'name' | 'name_first' | 'prompt' | 'texts'

/** The keys that say how a prompt and a row's columns become text; with `texts` it becomes what an encoder reads. */
export type PromptedText =
  | Pick<z.infer<typeof classificationOptions>, TextKeys | 'label' | 'labels' | 'group'>
  | Pick<z.infer<typeof regressionOptions>, TextKeys | 'label' | 'step'>
  | Pick<z.infer<typeof textOptions>, TextKeys | 'target' | 'answers'>
  | Pick<z.infer<typeof multipleChoiceOptions>, TextKeys | 'choices' | 'label'>

/** The keys that say where a row's words and their tags are. */
export type TaggingText = Pick<
  z.infer<typeof tokenClassificationOptions>,
  'kind' | 'name' | 'words' | 'tags' | 'columns' | 'labels'
>

/** The keys that say how a row becomes text. */
export type RowText = PromptedText | TaggingText

/** The files that a user's own task must name, for each way of splitting. */
export const FILES_NEEDED = {
  given: SPLITS,
  halves: ['train', 'validation'],
  held_out: ['train', 'test'],
  both_held_out: ['train'],
} as const
