import { shortened } from '../base/text/shortened.js'

/** A row's values by column name. */
export type Values = Record<string, unknown>

/** A row can't be used; the message says why: `column 'text' is missing.` */
export class Unusable extends Error {
  /** `word` is the index of the word that it is about, if it is about one. */
  constructor(
    message: string,
    readonly word?: number,
  ) {
    super(message)
  }
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

/** Returns a column's value for a prompt; the values of a list are joined with commas. @throws Unusable, as all here */
export function inPrompt(values: Values, column: string): string {
  const value = given(values, column)
  if (!Array.isArray(value)) return text(values, column)
  if (value.every(isScalar)) return value.join(', ')
  const held = kindOf(value.find((item) => !isScalar(item)))
  throw new Unusable(`column '${column}' is a list that holds ${held}; texts, numbers and booleans are needed.`)
}

export function text(values: Values, column: string): string {
  const value = given(values, column)
  if (isScalar(value)) return String(value)
  throw new Unusable(`column '${column}' is ${kindOf(value)}; text, a number or a boolean is needed.`)
}

/** Returns a text that is not blank. */
export function filled(values: Values, column: string): string {
  const value = text(values, column)
  if (value.trim() === '') throw new Unusable(`column '${column}' is empty.`)
  return value
}

/** Returns a list of one text or more. */
export function texts(values: Values, column: string): string[] {
  const value = given(values, column)
  if (!Array.isArray(value) || !value.every(isScalar)) throw new Unusable(`column '${column}' is not a list of texts.`)
  if (value.length === 0) throw new Unusable(`column '${column}' is an empty list.`)
  return value.map(String)
}

/** Returns the words of a list, or of a text that is split at white space. */
export function words(values: Values, column: string): string[] {
  if (Array.isArray(given(values, column))) return texts(values, column)
  return filled(values, column).trim().split(/\s+/u)
}

/** Returns a label's target text by `labels`, or itself. */
export function labelled(label: string, labels: Record<string, string> | undefined, word?: number): string {
  if (!labels) return label
  if (Object.hasOwn(labels, label)) return labels[label]!
  const known = Object.keys(labels).join(', ')
  if (word === undefined) throw new Unusable(`the label is '${shortened(label)}'; labels are ${known}.`)
  const own = `task.labels, or else the training rows, have ${known}`
  throw new Unusable(`the tag of word ${word + 1} is '${shortened(label)}'; ${own}.`, word)
}
