import { type Benchmark, column, labelId, RowProblem, textOf, type Values } from './benchmark.js'
import { finishMultirc, flattenMultirc } from './multirc.js'
import { finishRecord, flattenRecord } from './record.js'
import { markSpans } from './wsc.js'

const TRUTH = ['False', 'True']

const SPLITS = {
  train: { hub: 'train', official: ['train'] },
  /** FewGLUE distributes 32 rows per task under the official names, and calls its validation rows dev32. */
  validation: { hub: 'validation', official: ['val', 'dev', 'validation', 'dev32'] },
}

type Parts = Pick<Benchmark, 'folder' | 'columns'> & Partial<Pick<Benchmark, 'fromOfficial' | 'finish'>>

function superglue(config: string, { folder, columns, ...more }: Parts): Benchmark {
  return {
    repository: 'aps/super_glue',
    config,
    folder,
    splits: SPLITS,
    columns,
    fromOfficial: (values) => [values],
    finish: (values) => values,
    ...more,
  }
}

/** A task of text columns and a label, with the same names in the official files and on the hub. */
function plain(config: string, folder: string, texts: string[], labels: string[]): Benchmark {
  const finish = (values: Values): Values => ({
    ...texted(values, texts),
    label: labelId(column(values, 'label'), labels),
  })
  return superglue(config, { folder, columns: [...texts, 'label'], finish })
}

function texted(values: Values, names: string[]): Values {
  return Object.fromEntries(names.map((name) => [name, textOf(values, name)]))
}

const WSC_COLUMNS = ['text', 'span1_index', 'span2_index', 'span1_text', 'span2_text']

/** `marked_text` is the text with its two spans marked. */
const wsc = superglue('wsc', {
  folder: 'WSC',
  columns: [...WSC_COLUMNS, 'label'],
  fromOfficial: ({ target, ...values }) => [{ ...values, ...(target as Values | undefined) }],
  finish(values) {
    const [first, second] = [wordIndex(values, 'span1_index'), wordIndex(values, 'span2_index')]
    const texts = texted(values, ['text', 'span1_text', 'span2_text']) as Record<string, string>
    return {
      ...texts,
      span1_index: first,
      span2_index: second,
      marked_text: markSpans(texts.text!, [
        { text: texts.span1_text!, word: first, mark: '*' },
        { text: texts.span2_text!, word: second, mark: '#' },
      ]),
      label: labelId(column(values, 'label'), TRUTH),
    }
  },
})

function wordIndex(values: Values, name: string): number {
  const value = column(values, name)
  if (!Number.isInteger(value)) throw new RowProblem(`column '${name}' is not a whole number.`)
  return value as number
}

export const SUPERGLUE: Record<string, Benchmark> = {
  'superglue/boolq': plain('boolq', 'BoolQ', ['question', 'passage'], TRUTH),
  'superglue/cb': plain('cb', 'CB', ['premise', 'hypothesis'], ['entailment', 'contradiction', 'neutral']),
  'superglue/copa': plain('copa', 'COPA', ['premise', 'choice1', 'choice2', 'question'], ['choice1', 'choice2']),
  'superglue/multirc': superglue('multirc', {
    folder: 'MultiRC',
    columns: ['paragraph', 'question', 'answer', 'idx', 'label'],
    fromOfficial: flattenMultirc,
    finish: finishMultirc,
  }),
  'superglue/wic': plain('wic', 'WiC', ['word', 'sentence1', 'sentence2'], TRUTH),
  'superglue/wsc': wsc,
  'superglue/rte': plain('rte', 'RTE', ['premise', 'hypothesis'], ['entailment', 'not_entailment']),
  'superglue/record': superglue('record', {
    folder: 'ReCoRD',
    columns: ['passage', 'query', 'entities', 'answers'],
    fromOfficial: flattenRecord,
    finish: finishRecord,
  }),
}
