import { z } from 'zod'

export const METRICS = ['accuracy'] as const
export type Metric = (typeof METRICS)[number]

const dataFile = z.string().min(1)

/** Text in, one of a few label texts out. */
export const taskOptions = z.strictObject({
  name: z.string().min(1).describe('What results are listed under.'),
  kind: z.enum(['classification']).default('classification').describe('How rows become text, and outputs scores.'),
  train: dataFile.describe('Training rows: a .jsonl, .csv or .tsv file with named columns.'),
  validation: dataFile.describe('Rows that choose the best checkpoint.'),
  test: dataFile.describe('Rows that the final score is for.'),
  prompt: z.string().min(1).describe('Source text; {column} stands for that column of the row.'),
  label: z.string().min(1).default('label').describe('Column that holds the label.'),
  labels: z
    .record(z.string(), z.string().min(1))
    .optional()
    .describe('Target text of each value of the label column; the value itself unless told.'),
  metrics: z
    .array(z.enum(METRICS))
    .min(1)
    .default(['accuracy'])
    .describe('Scores, × 100; their mean chooses the best checkpoint.'),
})
/** File paths are absolute once an experiment is loaded. */
export type TaskOptions = z.infer<typeof taskOptions>
