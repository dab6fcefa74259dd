import { shortestFloat32 } from '../rows/shortest.js'
import { type Benchmark, column, labelId, RowProblem, textOf, type Values } from './benchmark.js'

/** The columns of a GLUE task: the hub's text columns and the label. */
interface GlueTask {
  folder: string
  /** For each text column, by the hub's name: its names in official files and in JSON from elsewhere. */
  texts: Record<string, string[]>
  /** Names of the label's column. */
  label: string[]
  /** Names of the labels in the order of their ids. Without them the label is a number. */
  labels?: string[]
  headerless?: string[]
  brokenLines?: boolean
}

const PAIR = { sentence1: ['sentence1'], sentence2: ['sentence2'] }
const BINARY = ['0', '1']
const ENTAILMENT = ['entailment', 'not_entailment']

const TASKS: Record<string, GlueTask> = {
  cola: {
    folder: 'CoLA',
    texts: { sentence: ['sentence'] },
    label: ['label'],
    labels: BINARY,
    headerless: ['source', 'label', 'mark', 'sentence'],
  },
  sst2: { folder: 'SST-2', texts: { sentence: ['sentence'] }, label: ['label'], labels: BINARY },
  mrpc: {
    folder: 'MRPC',
    texts: { sentence1: ['#1 String', 'sentence1'], sentence2: ['#2 String', 'sentence2'] },
    label: ['Quality', 'label'],
    labels: BINARY,
  },
  stsb: { folder: 'STS-B', texts: PAIR, label: ['score', 'label'] },
  qqp: {
    folder: 'QQP',
    texts: { question1: ['question1'], question2: ['question2'] },
    label: ['is_duplicate', 'label'],
    labels: BINARY,
    brokenLines: true,
  },
  mnli: {
    folder: 'MNLI',
    texts: { premise: ['sentence1', 'premise', 'text_a'], hypothesis: ['sentence2', 'hypothesis', 'text_b'] },
    label: ['gold_label', 'label'],
    labels: ['entailment', 'neutral', 'contradiction'],
  },
  qnli: {
    folder: 'QNLI',
    texts: { question: ['question'], sentence: ['sentence'] },
    label: ['label'],
    labels: ENTAILMENT,
  },
  rte: { folder: 'RTE', texts: PAIR, label: ['label'], labels: ENTAILMENT },
  wnli: { folder: 'WNLI', texts: PAIR, label: ['label'], labels: BINARY },
}

const TWO = {
  train: { hub: 'train', official: ['train'] },
  validation: { hub: 'validation', official: ['dev', 'validation'] },
}
/** MNLI has two validation sets with labels; the paper's code tests on the matched one. */
const THREE = {
  train: { hub: 'train', official: ['train'] },
  validation: { hub: 'validation_mismatched', official: ['dev_mismatched', 'validation_mismatched'] },
  test: { hub: 'validation_matched', official: ['dev_matched', 'validation_matched'] },
}

export const GLUE: Record<string, Benchmark> = Object.fromEntries(
  Object.entries(TASKS).map(([name, task]) => [`glue/${name}`, benchmarkOf(name, task)]),
)

function benchmarkOf(config: string, { folder, texts, label, labels, headerless, brokenLines }: GlueTask): Benchmark {
  return {
    repository: 'nyu-mll/glue',
    config,
    folder,
    splits: config === 'mnli' ? THREE : TWO,
    columns: [...Object.keys(texts), 'label'],
    ...(headerless && { headerless }),
    ...(brokenLines && { brokenLines }),
    fromOfficial: (values) => [
      Object.fromEntries(Object.entries({ ...texts, label }).map(([ours, names]) => [ours, firstOf(values, names)])),
    ],
    finish(values) {
      const row: Values = Object.fromEntries(Object.keys(texts).map((name) => [name, textOf(values, name)]))
      row.label = labels ? labelId(values.label, labels) : similarity(values.label)
      return row
    },
  }
}

function firstOf(values: Values, names: string[]): unknown {
  return column(values, names.find((name) => Object.hasOwn(values, name)) ?? names[0]!)
}

/**
 * Returns STS-B's score, 0 to 5. The hub has it as float32, the official file with up to 15 digits: both become a
 * float32 with few digits.
 */
function similarity(score: unknown): number {
  const number = String(score).trim() === '' ? Number.NaN : Number(score)
  if (number >= 0 && number <= 5) return shortestFloat32(number)
  throw new RowProblem(`the score is '${score}'; a number from 0 to 5 is needed.`)
}
