import { UserError } from '../base/error.js'
import { promptColumns } from './example.js'
import type { TaskOptions } from './options.js'

/** The kinds of task that a head can answer. */
export type Answerable = Exclude<TaskOptions, { kind: 'text' }>

/**
 * Returns a task as an encoder reads it: its rows are one text or a pair, numbers are not rounded, and no name is put
 * before a text.
 * @throws UserError for free text, which no head puts out
 */
export function encodedTask(task: TaskOptions): Answerable {
  if (task.kind === 'text') {
    throw new UserError({
      at: 'task.kind',
      problem: `is text, but the backbone is an encoder: it chooses from labels and writes no text.`,
      remedy: 'Take a backbone that decodes, such as t5-base, or a task of labels, numbers or choices.',
    })
  }
  if (task.kind === 'token_classification') return task
  return { ...task, name_first: false, texts: task.texts ?? textsOf(task) }
}

/** Whether a task is as an encoder reads it. */
export const isEncoded = (task: TaskOptions): boolean =>
  task.kind === 'token_classification' || task.texts !== undefined

/**
 * Returns a task as a backbone that decodes reads it.
 * @throws UserError for tags of words, which only a head puts out
 */
export function decodedTask(task: TaskOptions): TaskOptions {
  if (task.kind === 'token_classification') {
    throw new UserError({
      at: 'task.kind',
      problem: 'is token_classification, but the backbone decodes: it writes text and has no head for tags.',
      remedy: 'Take an encoder, such as bert-nano.',
    })
  }
  const { texts: _, ...own } = task
  return own
}

/** The prompt's first column, and its others as the second text: as the prompt has them, where they are several. */
function textsOf(task: Exclude<Answerable, { kind: 'token_classification' }>): string[] {
  const choices = task.kind === 'multiple_choice' ? [task.choices].flat() : []
  const [first, ...others] = promptColumns(task.prompt).filter((column) => !choices.includes(column))
  if (first === undefined) return [task.prompt]
  if (others.length < 2) return [`{${first}}`, ...others.map((column) => `{${column}}`)]
  return [`{${first}}`, others.map((column) => labelled(task.prompt, column)).join(' ')]
}

/** Returns a column with the words of the prompt before it: `question: {question}`. */
function labelled(prompt: string, column: string): string {
  const end = prompt.indexOf(`{${column}}`)
  const before = prompt.slice(prompt.lastIndexOf('}', end) + 1, end)
  return `${before}{${column}}`.trim()
}
