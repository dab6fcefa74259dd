// The tables that bench/all.bench.ts writes into docs/benchmarks.md.
import { PRECISIONS, type Precision } from '../src/base/choices.js'
import type { Row } from '../src/measure/row.js'
import { COMPARED_HEAD, type Compared, comparedCells, gib, table } from './sides.js'

export interface Training extends Compared {
  backbone: string
  method: string
  task: string
  precision: string
  steps: number
  evaluations: number
  trained_parameters: number
  /** Of the test rows: the mean of the task's metrics, in %. */
  score: number
  torch_score: number
}

export interface Predicted extends Compared {
  precision: string
  rows: number
  /** Rows whose outputs differ. */
  differing: number
}

interface Tokenised {
  sentences: number
  distinct_words: number
  tokens: number
  sentences_per_second: number
  stored_seconds: number
  peak_bytes: number
  load_average: number
}

/**
 * What each measurement printed, by its name: `step-…` and `encoder-step-…` rows of `bench`, `training-…` rows of whole
 * trainings.
 */
export type Results = { tokenise: Tokenised } & Record<`predict-${Precision}`, Predicted> &
  Record<`step-${string}` | `encoder-step-${string}` | `training-${string}`, unknown[]>

/**
 * The paper's figures relative to full fine-tuning (arXiv 2106.04647, table of efficiency: MNLI, one epoch, the largest
 * batch that fits).
 */
const PAPER: Record<string, { time?: number; memory?: number }> = {
  compacter: { time: 0.866 },
  'compacter++': { time: 0.735, memory: 0.581 },
  'intrinsic-said': { memory: 1.411 },
  'prompt-tuning-r': { memory: 1.244 },
}

/**
 * Returns the page's part that is measured: Markdown without a blank line at either end. Tables of what was not
 * measured are left out, and `missing` are the names of the measurements that are not there.
 */
export function tables(results: Partial<Results>, missing: readonly string[] = []): string {
  const of = <T>(prefix: string): T[] =>
    Object.entries(results).flatMap(([name, rows]) => (name.startsWith(prefix) ? (rows as T | T[]) : []) as T[])
  const steps = of<Row>('step-')
  const encoderSteps = of<Row>('encoder-step-')
  const trainings = of<Training>('training-')
  const predictions = of<Predicted>('predict-')
  return [
    ...(missing.length > 0 ? [`Not measured: ${missing.join(', ')}.`] : []),
    ...stepSections(steps),
    ...(encoderSteps.length > 0 ? ['### A step of an encoder', ...encoderSection(encoderSteps)] : []),
    ...(trainings.length > 0 ? ['### Whole trainings', trainingTable(trainings)] : []),
    ...(predictions.length > 0 ? ['### Predictions', predictTable(predictions)] : []),
    ...(results.tokenise ? ['### Tokenising', tokeniseTable(results.tokenise)] : []),
  ].join('\n\n')
}

function stepSections(steps: Row[]): string[] {
  const [first] = steps
  if (!first) return []
  const what = [
    `A step: ${first.batch_size} sources of ${first.source_length} tokens, targets of ${first.target_length},`,
    `random weights of ${first.backbone}'s dimensions. Ours: ${first.device}. Theirs: ${first.torch}.`,
  ].join('\n')
  const measured = PRECISIONS.filter((precision) => steps.some((row) => row.precision === precision))
  return [
    what,
    ...measured.flatMap((precision) => [
      `### A step in ${precision}`,
      stepTable(steps.filter((row) => row.precision === precision)),
    ]),
  ]
}

function encoderSection(steps: Row[]): string[] {
  const { batch_size, backbone } = steps[0]!
  return [
    `${batch_size} texts, random weights of ${backbone}'s dimensions, a head for two labels.`,
    encoderTable(steps),
  ]
}

const times = (ratio: number | null | undefined) => (ratio == null ? '' : `${ratio.toFixed(2)} ×`)
const ms = (milliseconds: number | null | undefined) =>
  milliseconds == null ? '' : `${Math.round(milliseconds).toLocaleString('en')} ms`

function stepTable(rows: Row[]): string {
  const full = rows.find(({ method }) => method === 'full')
  const head =
    'method | trained | a step | spread | of full | paper | PyTorch | ratio | ' +
    'peak memory | of full | paper | PyTorch | ratio | load average'
  return table(
    head,
    rows.map((row) => [
      row.method,
      row.trained_parameters.toLocaleString('en'),
      ms(row.step_ms),
      ms(row.step_ms_spread),
      times(full && row.step_ms / full.step_ms),
      times(PAPER[row.method]?.time),
      ms(row.torch_step_ms),
      times(row.time_ratio),
      gib(row.peak_bytes),
      times(full && row.peak_bytes / full.peak_bytes),
      times(PAPER[row.method]?.memory),
      row.torch_peak_bytes == null ? '' : gib(row.torch_peak_bytes),
      times(row.memory_ratio),
      row.load_average.toFixed(1),
    ]),
  )
}

const encoderTable = (rows: Row[]): string =>
  table(
    'method | precision | tokens | a step | spread | PyTorch | ratio | peak memory | PyTorch | ratio | load average',
    rows.map((row) => [
      row.method,
      row.precision,
      `${row.source_length}`,
      ms(row.step_ms),
      ms(row.step_ms_spread),
      ms(row.torch_step_ms),
      times(row.time_ratio),
      gib(row.peak_bytes),
      row.torch_peak_bytes == null ? '' : gib(row.torch_peak_bytes),
      times(row.memory_ratio),
      row.load_average.toFixed(1),
    ]),
  )

export function trainingTable(rows: Training[]): string {
  return table(
    `training | steps | evaluations | ${COMPARED_HEAD} | test score | PyTorch`,
    rows.map((row) => [
      `${row.method}, ${row.backbone}, ${row.task}, ${row.precision}`,
      row.steps.toLocaleString('en'),
      `${row.evaluations}`,
      ...comparedCells(row),
      row.score.toFixed(1),
      row.torch_score.toFixed(1),
    ]),
  )
}

export const predictTable = (measured: Predicted[]): string =>
  table(
    `precision | rows | ${COMPARED_HEAD} | outputs that differ`,
    measured.map((row) => [row.precision, row.rows.toLocaleString('en'), ...comparedCells(row), `${row.differing}`]),
  )

const tokeniseTable = (row: Tokenised): string =>
  table('distinct sentences | distinct words | tokens | time | sentences a second | peak memory | load average', [
    [
      row.sentences.toLocaleString('en'),
      row.distinct_words.toLocaleString('en'),
      row.tokens.toLocaleString('en'),
      `${row.stored_seconds.toFixed(2)} s`,
      row.sentences_per_second.toLocaleString('en'),
      gib(row.peak_bytes),
      row.load_average.toFixed(1),
    ],
  ])
