import { assertNever } from '../base/assert_never.js'
import { shortened } from '../base/text/shortened.js'
import type { PromptedText, RowText } from './options.js'
import { filled, inPrompt, labelled, text, texts, Unusable, type Values } from './values.js'
import { tagsOf, wordsOf } from './words/tagged.js'

/** One row as the backbone sees it. */
export interface Example {
  /** The line in the file, from 1; the first one where a row has several. In parquet the number of the row, from 1. */
  row: number
  source: string
  /** The second text of a pair, for an encoder; each choice is put after it. */
  second?: string
  target: string
  /** The label column's value as text, from which `target` is made; '' for a task without labels. */
  label: string
  /** Rows with the same group belong together. */
  group?: string
  /** Right outputs, where a row has several. */
  answers?: string[]
  /** Texts to choose from, where every row has its own. */
  choices?: string[]
  /** The words of the source, where each has a tag; the target has their tags with blanks between. */
  words?: string[]
}

type Outcome = Omit<Example, 'row' | 'source' | 'second' | 'words'>

/** Why a row can't be used, and the index of the word that it is about, if it is about one. */
export interface RowProblem {
  problem: string
  word?: number
}

/** Returns a row's source and target, or what is wrong with a row that can't be used. */
export const exampleOf = (task: RowText, values: Values): Omit<Example, 'row'> | RowProblem =>
  used(() => ({ ...sourceOf(task, values), ...outcomeOf(task, values) }))

/** Returns what a row asks: its source without an answer, and its own choices where they are ranked. */
export const questionOf = (
  task: RowText,
  values: Values,
  ranked: boolean,
): Pick<Example, 'source' | 'second' | 'choices' | 'words'> | RowProblem =>
  used(() => ({
    ...sourceOf(task, values),
    ...(task.kind === 'multiple_choice' && (ranked || task.texts) && { choices: choicesOf(task, values) }),
  }))

function used<T>(read: () => T): T | RowProblem {
  try {
    return read()
  } catch (error) {
    if (error instanceof Unusable) {
      return { problem: error.message, ...(error.word !== undefined && { word: error.word }) }
    }
    throw error
  }
}

/** The row's source: its words, the prompt, or the one or two texts that an encoder reads. */
function sourceOf(task: RowText, values: Values): Pick<Example, 'source' | 'second' | 'words'> {
  if (task.kind === 'token_classification') return wordsOf(task, values)
  const filledIn = (text: string) => text.replace(PLACEHOLDER, (_, column: string) => inPrompt(values, column))
  if (task.texts) {
    const [source, second] = task.texts.map(filledIn)
    return { source: source!, ...(second !== undefined && { second }) }
  }
  const source = filledIn(task.prompt)
  return { source: task.name_first ? `${nameOf(task)} ${source}` : source }
}

/** Returns how sources are written, with the columns' names in braces: one text, or the two that an encoder reads. */
export function writtenAs(task: RowText): string[] {
  if (task.kind === 'token_classification') return [`{${task.words}}`]
  return task.texts ?? [task.name_first ? `${nameOf(task)} ${task.prompt}` : task.prompt]
}

/** Returns `rte` for `glue/rte`. */
const nameOf = ({ name }: RowText) => name.slice(name.lastIndexOf('/') + 1)

/** Returns the columns that a task names, each with the key that names it. */
export function columnsOf(task: RowText): { key: string; column: string }[] {
  const named = (key: string, columns: string | string[] | undefined) =>
    [columns ?? []].flat().map((column) => ({ key, column }))
  const prompted = (task: PromptedText) =>
    task.texts ? named('texts', promptColumns(task.texts.join(' '))) : named('prompt', promptColumns(task.prompt))
  switch (task.kind) {
    case 'classification':
      return [...prompted(task), ...named('label', task.label), ...named('group', task.group)]
    case 'regression':
      return [...prompted(task), ...named('label', task.label)]
    case 'text':
      return [...prompted(task), ...named('target', task.target), ...named('answers', task.answers)]
    case 'multiple_choice':
      return [...prompted(task), ...named('choices', task.choices), ...named('label', task.label)]
    case 'token_classification':
      return [...named('words', task.words), ...named('tags', task.tags)]
    default:
      return assertNever(task, 'kind of task')
  }
}

/** Returns the columns that a prompt contains, each once. */
export const promptColumns = (prompt: string): string[] => [
  ...new Set([...prompt.matchAll(PLACEHOLDER)].map((match) => match[1]!)),
]

const PLACEHOLDER = /\{([^{}]+)\}/g

function outcomeOf(task: RowText, values: Values): Outcome {
  switch (task.kind) {
    case 'classification': {
      const label = filled(values, task.label)
      const target = labelled(label, task.labels)
      const group = task.group === undefined ? {} : { group: text(values, task.group) }
      return { target, label, ...group }
    }
    case 'regression': {
      const label = filled(values, task.label)
      if (!Number.isFinite(Number(label)))
        throw new Unusable(`column '${task.label}' is '${shortened(label)}', which is not a number.`)
      return { target: task.texts ? String(Number(label)) : rounded(Number(label), task.step), label }
    }
    case 'text': {
      const target = filled(values, task.target)
      return { target, label: '', ...(task.answers !== undefined && { answers: texts(values, task.answers) }) }
    }
    case 'multiple_choice': {
      const choices = choicesOf(task, values)
      const label = filled(values, task.label)
      const target = /^\d+$/.test(label) ? choices[Number(label)] : undefined
      if (target === undefined) {
        const wanted = `the number of a choice is needed, 0 to ${choices.length - 1}`
        throw new Unusable(`column '${task.label}' is '${shortened(label)}'; ${wanted}.`)
      }
      return { target, label, choices }
    }
    case 'token_classification':
      return { ...tagsOf(task, values), label: '' }
    default:
      return assertNever(task, 'kind of task')
  }
}

function choicesOf(task: Extract<RowText, { kind: 'multiple_choice' }>, values: Values): string[] {
  const { choices: columns } = task
  const choices = Array.isArray(columns) ? columns.map((name) => filled(values, name)) : texts(values, columns)
  const seen = new Set<string>()
  const twice = choices.map((choice) => choice.trim()).find((choice) => seen.size === seen.add(choice).size)
  if (twice !== undefined) throw new Unusable(`the choice '${shortened(twice)}' occurs twice.`)
  return choices
}

/**
 * Returns the nearest multiple of `step`, halves to even, in float32 as T5's preprocessing does, with the step's
 * decimals.
 */
export function rounded(value: number, step: number): string {
  const multiple = Math.fround(Math.fround(value) / step)
  const floor = Math.floor(multiple)
  const even = floor % 2 === 0 ? floor : floor + 1
  const decimals = String(step).split('.')[1]?.length ?? 0
  return ((multiple - floor === 0.5 ? even : Math.round(multiple)) * step).toFixed(decimals)
}
