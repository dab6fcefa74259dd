import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../error.js'
import type { MetricName } from './metrics.js'
import { type Example, examplesOf, type Split } from './rows.js'
import { halves, heldOut } from './splits.js'
import { type Row, readTable } from './table.js'

/** A GLUE task: its official files, and what the paper's code makes of their rows. */
export interface GlueTask {
  prompt: string
  metrics: MetricName[]
  /** Our name of a column → the official files' name, where they differ. */
  columns?: Record<string, string>
  /** The names of the columns where files have no header. */
  headerless?: string[]
  /** Value in the file → label id as text. */
  labels?: Record<string, string>
  /** What the label column's text becomes before `labels`. */
  target?: (text: string) => string
  /** Where validation and test come from: splits.ts; MNLI has two official validation sets. */
  split: 'halves' | 'held_out' | 'mismatched_matched'
}

const PAIR = 'sentence1: {sentence1} sentence2: {sentence2}'
const BINARY = { 0: '0', 1: '1' }
const ENTAILMENT = { entailment: '0', not_entailment: '1' }

export const GLUE = {
  cola: {
    prompt: 'sentence: {sentence}',
    metrics: ['matthews'],
    headerless: ['source', 'label', 'mark', 'sentence'],
    labels: BINARY,
    split: 'halves',
  },
  sst2: { prompt: 'sentence: {sentence}', metrics: ['accuracy'], labels: BINARY, split: 'held_out' },
  mrpc: {
    prompt: PAIR,
    metrics: ['f1', 'accuracy'],
    columns: { sentence1: '#1 String', sentence2: '#2 String', label: 'Quality' },
    labels: BINARY,
    split: 'halves',
  },
  stsb: {
    prompt: PAIR,
    metrics: ['pearson', 'spearman'],
    columns: { label: 'score' },
    target: similarity,
    split: 'halves',
  },
  qqp: {
    prompt: 'question1: {question1} question2: {question2}',
    metrics: ['f1', 'accuracy'],
    columns: { label: 'is_duplicate' },
    labels: BINARY,
    split: 'held_out',
  },
  mnli: {
    prompt: 'premise: {premise} hypothesis: {hypothesis}',
    metrics: ['accuracy'],
    columns: { premise: 'sentence1', hypothesis: 'sentence2', label: 'gold_label' },
    labels: { entailment: '0', neutral: '1', contradiction: '2' },
    split: 'mismatched_matched',
  },
  qnli: {
    prompt: 'question: {question} sentence: {sentence}',
    metrics: ['accuracy'],
    labels: ENTAILMENT,
    split: 'held_out',
  },
  rte: { prompt: PAIR, metrics: ['accuracy'], labels: ENTAILMENT, split: 'halves' },
  wnli: { prompt: PAIR, metrics: ['accuracy'], labels: BINARY, split: 'halves' },
} satisfies Record<string, GlueTask>

export type GlueName = keyof typeof GLUE

/**
 * A task's rows from the folder that holds its official files (`train.tsv`, `dev.tsv`; for MNLI `dev_matched.tsv` and
 * `dev_mismatched.tsv`), split as in the paper. `row` is the line in the official file.
 * @throws UserError if a file is missing, or names the rows in it that can't be used.
 */
export function readGlue(name: GlueName, folder: string, split: Split): Example[] {
  const task: GlueTask = GLUE[name]
  const read = (stem: string) => officialExamples(task, officialFile(folder, stem))
  switch (task.split) {
    case 'halves':
      return split === 'train' ? read('train') : pick(read('dev'), (rows) => halves(rows)[split])
    case 'held_out':
      return split === 'test' ? read('dev') : pick(read('train'), (rows) => heldOut(rows)[split])
    case 'mismatched_matched':
      return read({ train: 'train', validation: 'dev_mismatched', test: 'dev_matched' }[split])
  }
}

function pick(examples: Example[], chosen: (rows: number) => number[]): Example[] {
  return chosen(examples.length).map((row) => examples[row]!)
}

/** The official .tsv, or the same rows with the same columns as .jsonl. */
function officialFile(folder: string, stem: string): string {
  const files = [`${stem}.tsv`, `${stem}.jsonl`].map((file) => join(folder, file))
  const file = files.find((path) => existsSync(path))
  if (file) return file
  throw new UserError({
    at: folder,
    problem: `${stem}.tsv is not in this folder.`,
    remedy: 'It must hold the official files of the task.',
  })
}

function officialExamples(task: GlueTask, file: string): Example[] {
  return examplesOf({ prompt: task.prompt, label: 'label', labels: task.labels }, file, renamed(task, file))
}

/** Columns under our names; a file that has our names already keeps them. */
function* renamed({ columns = {}, target, headerless }: GlueTask, file: string): Generator<Row> {
  for (const row of readTable(file, headerless)) {
    if ('problem' in row) {
      yield row
      continue
    }
    const values = { ...row.values }
    for (const [ours, theirs] of Object.entries(columns)) {
      if (Object.hasOwn(row.values, theirs)) values[ours] = row.values[theirs]
    }
    if (target && values.label !== undefined) values.label = target(String(values.label))
    yield { line: row.line, values }
  }
}

/** STS-B: a similarity of 0 to 5 in steps of 0.2 and one decimal, halves to even, as T5 was trained on. */
export function similarity(score: string): string {
  const fifths = Math.fround(Math.fround(Number(score)) * 5)
  const floor = Math.floor(fifths)
  const even = floor % 2 === 0 ? floor : floor + 1
  return ((fifths - floor === 0.5 ? even : Math.round(fifths)) / 5).toFixed(1)
}
