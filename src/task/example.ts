import { assertNever } from '../base/assert_never.js'
import { shortened } from '../base/text/shortened.js'
import type { RowText } from './options.js'

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
}

type Values = Record<string, unknown>
type Outcome = Omit<Example, 'row' | 'source' | 'second'>

/** A row can't be used; the message says why: `column 'text' is missing.` */
class Unusable extends Error {}

/** Returns a row's source and target, or what is wrong with a row that can't be used. */
export const exampleOf = (task: RowText, values: Values): Omit<Example, 'row'> | { problem: string } =>
  used(() => ({ ...sourceOf(task, values), ...outcomeOf(task, values) }))

/** Returns what a row asks: its source without an answer, and its own choices where they are ranked. */
export const questionOf = (
  task: RowText,
  values: Values,
  ranked: boolean,
): Pick<Example, 'source' | 'second' | 'choices'> | { problem: string } =>
  used(() => ({
    ...sourceOf(task, values),
    ...((ranked || task.texts) && task.kind === 'multiple_choice' && { choices: choicesOf(task, values) }),
  }))

function used<T>(read: () => T): T | { problem: string } {
  try {
    return read()
  } catch (error) {
    if (error instanceof Unusable) return { problem: error.message }
    throw error
  }
}

/** The row's source: the prompt, or the one or two texts that an encoder reads. */
function sourceOf(task: RowText, values: Values): Pick<Example, 'source' | 'second'> {
  const filledIn = (text: string) => text.replace(PLACEHOLDER, (_, column: string) => inPrompt(values, column))
  if (task.texts) {
    const [source, second] = task.texts.map(filledIn)
    return { source: source!, ...(second !== undefined && { second }) }
  }
  const source = filledIn(task.prompt)
  return { source: task.name_first ? `${nameOf(task)} ${source}` : source }
}

/** Returns how sources are written, with the columns' names in braces: one text, or the two that an encoder reads. */
export const writtenAs = (task: RowText): string[] =>
  task.texts ?? [task.name_first ? `${nameOf(task)} ${task.prompt}` : task.prompt]

/** Returns `rte` for `glue/rte`. */
const nameOf = ({ name }: RowText) => name.slice(name.lastIndexOf('/') + 1)

/** Returns the columns that a task names, each with the key that names it. */
export function columnsOf(task: RowText): { key: string; column: string }[] {
  const named = (key: string, columns: string | string[] | undefined) =>
    [columns ?? []].flat().map((column) => ({ key, column }))
  const prompt = task.texts
    ? named('texts', promptColumns(task.texts.join(' ')))
    : named('prompt', promptColumns(task.prompt))
  switch (task.kind) {
    case 'classification':
      return [...prompt, ...named('label', task.label), ...named('group', task.group)]
    case 'regression':
      return [...prompt, ...named('label', task.label)]
    case 'text':
      return [...prompt, ...named('target', task.target), ...named('answers', task.answers)]
    case 'multiple_choice':
      return [...prompt, ...named('choices', task.choices), ...named('label', task.label)]
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
      if (task.labels && !Object.hasOwn(task.labels, label)) {
        throw new Unusable(`the label is '${shortened(label)}'; labels are ${Object.keys(task.labels).join(', ')}.`)
      }
      const group = task.group === undefined ? {} : { group: text(values, task.group) }
      return { target: task.labels?.[label] ?? label, label, ...group }
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

const isScalar = (value: unknown) =>
  ['string', 'number', 'boolean', 'bigint'].includes(typeof value) && !Number.isNaN(value)

/** Says in words what a value is that is not text. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Uint8Array) return 'bytes'
  return value === null || Number.isNaN(value) ? String(value) : 'an object'
}

function given(values: Values, column: string): unknown {
  if (!Object.hasOwn(values, column)) throw new Unusable(`column '${column}' is missing.`)
  const value = values[column]
  if (value === null || Number.isNaN(value)) throw new Unusable(`column '${column}' is ${kindOf(value)}.`)
  return value
}

/** Returns a column's value for a prompt; the values of a list are joined with commas. */
function inPrompt(values: Values, column: string): string {
  const value = given(values, column)
  if (!Array.isArray(value)) return text(values, column)
  if (value.every(isScalar)) return value.join(', ')
  const held = kindOf(value.find((item) => !isScalar(item)))
  throw new Unusable(`column '${column}' is a list that holds ${held}; texts, numbers and booleans are needed.`)
}

function text(values: Values, column: string): string {
  const value = given(values, column)
  if (isScalar(value)) return String(value)
  throw new Unusable(`column '${column}' is ${kindOf(value)}; text, a number or a boolean is needed.`)
}

function filled(values: Values, column: string): string {
  const value = text(values, column)
  if (value.trim() === '') throw new Unusable(`column '${column}' is empty.`)
  return value
}

function texts(values: Values, column: string): string[] {
  const value = given(values, column)
  if (!Array.isArray(value) || value.length === 0 || !value.every(isScalar)) {
    throw new Unusable(`column '${column}' is not a list of texts.`)
  }
  return value.map(String)
}
